/** SES played on a socket: the conformance suite, what is sent, and what its refusals mean. */
import { conformsToTheChannelPort, type PlayedCarrier } from '../../conformance.testing.js';
import type { SendError } from '../../send-error.js';
import { MAIL_DOMAIN, mailConnection, mailDelivery } from '../../email/mail-delivery.testing.js';
import { PlayedServer } from '../../played-server.testing.js';
import { openSes } from './adapter.js';
import { openPlayedSes, published, topic } from './played-ses.testing.js';

let refusal: { status: number; body: string } | undefined;
const api = new PlayedServer(() => refusal ?? { status: 200, body: '{"MessageId":"0100-abc"}' });
beforeAll(() => api.listen());
afterAll(() => api.close());
beforeEach(() => { api.received = []; api.answer = 'accept'; refusal = undefined; });

const send = (baseUrl = api.url, millis = 30_000) =>
  openSes(mailConnection('ses', { accessKeyId: 'AKID', secretAccessKey: 'secret' }, { baseUrl, region: 'eu-west-1' })).send(mailDelivery(), AbortSignal.timeout(millis));
const failure = (work: Promise<unknown>) => work.then(() => { throw new Error('was sent'); }, (error: SendError) => ({ outcome: error.outcome, code: error.code }));

conformsToTheChannelPort('SES', () => {
  const [live, dead] = [openPlayedSes(api.url), openPlayedSes(api.nowhereUrl)];
  const played: PlayedCarrier = {
    adapter: live, delivery: mailDelivery(),
    answerWith: (answer) => {
      api.answer = answer;
      played.adapter = answer === 'unreachable' ? dead : live;
    },
    references: () => api.received.map(({ headers }) => headers['x-parley-delivery'] as string),
    message: ({ id, text }) => published({
      notificationType: 'Received', mail: { messageId: 'o3vr', source: 'ana@example.com' }, receipt: { recipients: [`support@${MAIL_DOMAIN}`] },
      content: `From: ana@example.com\r\nTo: support@${MAIL_DOMAIN}\r\nMessage-ID: <${id}@example.com>\r\n\r\n${text}`,
    }),
    status: ({ id, status, deliveryId, extra }) => published({ eventType: status, mail: { messageId: id, destination: ['ana@example.com'], ...(deliveryId && { tags: { delivery: [deliveryId] } }) }, ...extra }),
    forged: (webhook) => ({ ...webhook, body: Buffer.from(webhook.body.toString().replace('ana@', 'eve@')) }),
    words: { sent: 'Send', delivered: 'Delivery', failed: 'Reject' },
  };
  return played;
});

it('sends the whole mail, signed, with bounces to our address', async () => {
  expect(await send()).toEqual({ providerMessageIds: ['<0100-abc@eu-west-1.amazonses.com>'] });
  const [{ url, headers, body }] = api.received as [(typeof api.received)[0]];
  expect(url).toBe('/v2/email/outbound-emails');
  expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-west-1\/ses\/aws4_request, SignedHeaders=.*host/);
  const request = JSON.parse(body.toString()) as { FeedbackForwardingEmailAddress: string; Content: { Raw: { Data: string } } };
  expect(request).toMatchObject({ FromEmailAddress: `support@${MAIL_DOMAIN}`, Destination: { ToAddresses: ['ana@example.com'] } });
  expect(request.FeedbackForwardingEmailAddress).toMatch(/^bounce\+im-[0-9a-f]{32}@inbox\.example\.test$/);
  expect(Buffer.from(request.Content.Raw.Data, 'base64').toString()).toContain('X-Conversations-Loop: ');
});

it.each([
  [429, '{"__type":"TooManyRequestsException"}', 'retryable', 'rate_limited'],
  [400, '{"__type":"LimitExceededException"}', 'retryable', 'rate_limited'],
  [400, '{"__type":"SendingPausedException"}', 'retryable', 'rejected'],
  [403, '{"__type":"UnrecognizedClientException"}', 'retryable', 'authentication'],
  [400, '{"__type":"MessageRejected"}', 'permanent', 'rejected'],
  [413, '', 'permanent', 'content_refused'],
  [503, '', 'ambiguous', 'no_answer'],
])('%d %s is %s: %s', async (status, body, outcome, code) => {
  refusal = { status, body };
  expect(await failure(send())).toEqual({ outcome, code });
});

it('waits for an event about a send without an answer, where events name our reference', () => {
  const delayOf = (settings: object) => openSes(mailConnection('ses', { accessKeyId: 'AKID', secretAccessKey: 'secret' }, { region: 'eu-west-1', ...settings })).limits.lookupDelayMillis;
  expect([{}, { topics: [topic] }, { topics: [topic], configurationSet: 'events' }].map(delayOf)).toEqual([0, 0, 60_000]);
});

it('is ambiguous without an answer, and another try without a connection', async () => {
  api.answer = 'hang';
  expect(await failure(send(api.url, 100))).toMatchObject({ outcome: 'ambiguous' });
  expect(await failure(send(api.nowhereUrl))).toEqual({ outcome: 'retryable', code: 'unreachable' });
});
