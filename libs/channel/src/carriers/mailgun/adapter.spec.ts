/** Mailgun played on a socket: the conformance suite. */
import { createHmac, randomUUID } from 'node:crypto';
import { conformsToTheChannelPort, type PlayedCarrier } from '../../conformance.testing.js';
import { formParts } from '../../email/form-parts.js';
import { MAIL_DOMAIN, mailConnection, mailDelivery, publicUrl } from '../../email/mail-delivery.testing.js';
import { PlayedServer } from '../../played-server.testing.js';
import { openMailgun } from './adapter.js';

const signingKey = 'played';
const references: string[] = [];
const mails: string[] = [];
const api = new PlayedServer(async ({ headers, body }) => {
  const form = await formParts({ headers, body });
  references.push(form.text('v:parley_delivery')!);
  mails.push(form.text('message')!);
  return { status: 200, body: JSON.stringify({ id: '<abc@mailgun.example.test>', message: 'Queued' }) };
});
beforeAll(() => api.listen());
afterAll(() => api.close());

const open = (baseUrl: string) => openMailgun(mailConnection('mailgun', { apiKey: 'key', signingKey }, { baseUrl }));

function signature(forged: boolean) {
  const [timestamp, token] = [String(Math.floor(Date.now() / 1000)), randomUUID()];
  return { timestamp, token, signature: createHmac('sha256', forged ? 'other' : signingKey).update(timestamp + token).digest('hex') };
}
const url = `${publicUrl}/webhooks/mailgun/CX1`;
const posted = (contentType: string, body: string) => ({ method: 'POST', url, headers: { 'content-type': contentType }, body: Buffer.from(body) });

conformsToTheChannelPort('Mailgun', () => {
  references.length = 0;
  const [live, dead] = [open(api.url), open(api.nowhereUrl)];
  const played: PlayedCarrier = {
    adapter: live, delivery: mailDelivery(),
    answerWith: (answer) => {
      api.answer = answer;
      played.adapter = answer === 'unreachable' ? dead : live;
    },
    references: () => references,
    message: ({ id, text }) => posted('application/x-www-form-urlencoded', new URLSearchParams({
      ...signature(false), recipient: `support@${MAIL_DOMAIN}`, sender: 'ana@example.com', from: 'Ana <ana@example.com>', 'Message-Id': `<${id}@example.com>`, 'body-plain': text,
    }).toString()),
    status: ({ id, status, deliveryId, extra }) => posted('application/json', JSON.stringify({
      signature: signature(false), 'event-data': {
        event: status.split('/')[0], severity: status.split('/')[1], recipient: 'ana@example.com', message: { headers: { 'message-id': id } },
        'user-variables': deliveryId ? { parley_delivery: deliveryId } : {}, ...extra,
      },
    })),
    forged: (webhook) => ({ ...webhook, body: Buffer.from(webhook.body.toString().replace(/(signature=)[0-9a-f]{4}/, '$1ffff')) }),
    words: { sent: 'failed/temporary', delivered: 'delivered', failed: 'rejected' },
  };
  return played;
});

it.each([
  [400, "'to' parameter is not a valid address. please check documentation", 'permanent', 21211],
  [403, 'Domain inbox.example.test is not allowed to send', 'retryable', 20003],
  [400, 'from parameter is missing', 'permanent', 30008],
])('a mail that is refused with %d %j is %s: %d, in their words', async (status, message, outcome, errorCode) => {
  Object.assign(api, { answer: 'refuse', refuse: { status, body: JSON.stringify({ message }) } });
  const refused = open(api.url).send(mailDelivery(), AbortSignal.timeout(30_000));
  await expect(refused).rejects.toMatchObject({ outcome, errorCode, carrierCode: `HTTP ${status}: ${message}` });
});

it('hands in the whole mail, with its thread and its way back', async () => {
  api.answer = 'accept';
  mails.length = 0;
  const delivery = mailDelivery({ subject: 'Re: Grüße', inReplyTo: '<m2@example.com>' });
  expect(await open(api.url).send(delivery, AbortSignal.timeout(30_000))).toEqual({ providerMessageIds: ['abc@mailgun.example.test'] });
  expect(mails[0]).toContain(`Message-ID: <im-${delivery.deliveryId.slice(2)}@${MAIL_DOMAIN}>`);
  expect(mails[0]).toContain('In-Reply-To: <m2@example.com>');
  expect(mails[0]).toMatch(/^Reply-To:\s+reply\+ch[0-9a-f]{32}\.[0-9a-f]{10}@/m);
});
