/** SendGrid played on a socket: the conformance suite, and what a request holds. */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { conformsToTheChannelPort, type PlayedCarrier } from '../../conformance.testing.js';
import { MAIL_DOMAIN, mailConnection, mailDelivery, publicUrl, textFile } from '../../email/mail-delivery.testing.js';
import { PlayedServer } from '../../played-server.testing.js';
import { openSendgrid } from './adapter.js';

const { publicKey, privateKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'der' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const key = publicKey.toString('base64');
const api = new PlayedServer(() => ({ status: 202, headers: { 'x-message-id': 'abc' }, body: '' }));
beforeAll(() => api.listen());
afterAll(() => api.close());

const open = (baseUrl: string) => openSendgrid(mailConnection('sendgrid', { apiKey: 'SG.x', eventPublicKey: key, parsePublicKey: key }, { baseUrl }));
type Request = { personalizations: [{ custom_args: { parley_delivery: string } }] } & Record<string, unknown>;
const requests = () => api.received.map(({ body }) => JSON.parse(body.toString()) as Request);

function signed(path: string, contentType: string, text: string) {
  const body = Buffer.from(text);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = sign('sha256', Buffer.concat([Buffer.from(timestamp), body]), createPrivateKey(privateKey)).toString('base64');
  return {
    method: 'POST', url: `${publicUrl}/webhooks/sendgrid/CX1/${path}`, body,
    headers: { 'content-type': contentType, 'x-twilio-email-event-webhook-signature': signature, 'x-twilio-email-event-webhook-timestamp': timestamp },
  };
}

conformsToTheChannelPort('SendGrid', () => {
  api.received = [];
  const [live, dead] = [open(api.url), open(api.nowhereUrl)];
  const played: PlayedCarrier = {
    adapter: live, delivery: mailDelivery(),
    answerWith: (answer) => {
      api.answer = answer;
      played.adapter = answer === 'unreachable' ? dead : live;
    },
    references: () => requests().map(({ personalizations: [{ custom_args }] }) => custom_args.parley_delivery),
    message: ({ id, text }) => signed('parse', 'multipart/form-data; boundary=b', [
      '--b', 'Content-Disposition: form-data; name="email"', '',
      `From: ana@example.com\r\nTo: support@${MAIL_DOMAIN}\r\nMessage-ID: <${id}@example.com>\r\n\r\n${text}`, '--b--', '',
    ].join('\r\n')),
    status: ({ id, status, deliveryId, extra }) => signed('events', 'application/json', JSON.stringify([
      { email: 'ana@example.com', sg_message_id: `${id}.filter`, event: status, ...(deliveryId && { parley_delivery: deliveryId }), ...extra },
    ])),
    forged: (webhook) => ({ ...webhook, body: Buffer.from(webhook.body.toString().replace('ana@', 'eve@')) }),
    words: { sent: 'processed', delivered: 'delivered', failed: 'dropped' },
  };
  return played;
});

it.each(['', '--b', '--b\r\nContent-Disposition: form-data; name="email"\r\n\r\nx'])('a form that is broken off is refused, not asked for again: %j', async (body) =>
  expect(open(api.url).parseWebhook(signed('parse', 'multipart/form-data; boundary=b', body))).rejects.toMatchObject({ name: 'InvalidSignature' }));

describe('a mail for SendGrid', () => {
  it.each([
    [400, { field: 'personalizations.0.to.0.email', message: 'Does not contain a valid address.' }, 'permanent', 21211],
    [400, { field: 'from.email', message: 'Does not contain a valid address.' }, 'permanent', 21606],
    [400, { field: 'attachments.0.type', message: 'The attachment type is not allowed.' }, 'permanent', 12300],
    [403, { field: 'from', message: 'The from address does not match a verified Sender Identity.' }, 'retryable', 20003],
    [413, { field: null, message: 'Payload too large' }, 'permanent', 30019],
  ])('that is refused with %d for %j is %s: %d, in their words', async (status, error, outcome, errorCode) => {
    Object.assign(api, { answer: 'refuse', refuse: { status, body: JSON.stringify({ errors: [error] }) } });
    const refused = open(api.url).send(mailDelivery(), AbortSignal.timeout(30_000));
    await expect(refused).rejects.toMatchObject({ outcome, errorCode, carrierCode: `HTTP ${status}: ${error.field === null ? '' : `${error.field}: `}${error.message}` });
  });
  it('has its thread, its way back and its files', async () => {
    api.received = [];
    api.answer = 'accept';
    const delivery = mailDelivery({ authorName: 'Bo', subject: 'Re: Order 17', inReplyTo: '<m2@example.com>', references: ['<m1@example.com>'], media: [textFile('notes')] });
    expect(await open(api.url).send(delivery, AbortSignal.timeout(30_000))).toEqual({ providerMessageIds: ['abc'] });
    const name = delivery.deliveryId.slice(2);
    expect(requests()[0]).toMatchObject({
      personalizations: [{ to: [{ email: 'ana@example.com' }] }], from: { email: `support@${MAIL_DOMAIN}`, name: 'Bo' }, subject: 'Re: Order 17',
      reply_to: { email: expect.stringMatching(/^reply\+ch[0-9a-f]{32}\.[0-9a-f]{10}@/) as string },
      headers: { 'Message-ID': `<im-${name}@${MAIL_DOMAIN}>`, 'In-Reply-To': '<m2@example.com>', References: '<m1@example.com> <m2@example.com>' },
      content: [{ type: 'text/plain', value: delivery.body }, { type: 'text/html' }],
      attachments: [{ content: Buffer.from('notes').toString('base64'), filename: 'notes.txt', type: 'text/plain' }],
    });
  });
});
