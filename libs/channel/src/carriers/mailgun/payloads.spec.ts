/** Mailgun's webhooks as they really come (fixtures/mailgun/index.json), and events signed here. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { DeliveryReceipt, InboundMessage } from '../../inbound-event.js';
import { openMailgun } from './adapter.js';

type Fixture = {
  id: string; file: string; desc: string; signatureValid: boolean; expectHttp: 401 | 403 | 406;
  request: { method: string; url: string; headers: Record<string, string> }; expected: { conversationSid: string; subject: string }[];
};
const read = (file: string) => readFileSync(new URL(`../../../fixtures/mailgun/${file}`, import.meta.url));
const { clock, fixtures, secrets } = JSON.parse(read('index.json').toString()) as {
  clock: string; fixtures: Fixture[]; secrets: { signingKey: string; replyToken: { hmacKey: string; domain: string } };
};
const open = (settings: object = {}) => Object.assign(openMailgun({
  sid: 'CX1', account: 'AC1', publicUrl: 'https://channels.example.test', webhookUrl: 'https://channels.example.test/webhooks/mailgun/CX1',
  signingKey: secrets.replyToken.hmacKey, settings: { domain: secrets.replyToken.domain, ...settings }, credentials: { apiKey: 'key', signingKey: secrets.signingKey },
}), { now: () => Date.parse(clock) });

function event(data: Record<string, unknown>, token = 'token-1') {
  const timestamp = String(Date.parse(clock) / 1000);
  const signature = createHmac('sha256', secrets.signingKey).update(timestamp + token).digest('hex');
  return {
    method: 'POST', url: 'https://channels.example.test/webhooks/mailgun/CX1', headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ signature: { timestamp, token, signature }, 'event-data': data })),
  };
}

describe('a webhook of Mailgun', () => {
  for (const { id, file, desc, request, signatureValid, expectHttp, expected } of fixtures)
    it(`${id}: ${desc}`, async () => {
      const parsed = open().parseWebhook({ ...request, body: read(file) });
      if (!signatureValid) return expect(parsed).rejects.toMatchObject({ name: 'InvalidSignature', status: expectHttp });
      const seen = (await parsed) as InboundMessage[];
      expect(seen).toMatchObject(expected.map(({ conversationSid: _, subject, ...one }) => ({ ...one, email: { subject } })));
      expect(seen[0]!.email!.replyToken!.toLowerCase()).toBe(expected[0]!.conversationSid);
      return undefined;
    });

  it.each(['', 'a=b', '--x', '--x\r\nContent-Disposition: form-data; name="token"\r\n\r\nx\r\n', '\0'.repeat(50)])('that is no whole form is refused like any that nobody signed: %j', async (body) => {
    const { request } = fixtures.find(({ id }) => id === 'mailgun-route')!;
    const broken = { ...request, headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: Buffer.from(body) };
    await expect(open().parseWebhook(broken)).rejects.toMatchObject({ name: 'InvalidSignature', status: 406 });
    await expect(open().parseWebhook({ ...broken, headers: { 'content-type': 'multipart/form-data' } })).rejects.toMatchObject({ name: 'InvalidSignature', status: 406 });
  });
  it('may come again as it was, with its token: what could not be stored is sent once more', async () => {
    const { request, file } = fixtures.find(({ id }) => id === 'mailgun-route')!;
    const adapter = open();
    const [first, again] = [await adapter.parseWebhook({ ...request, body: read(file) }), await adapter.parseWebhook({ ...request, body: read(file) })];
    expect(again).toEqual(first);
  });
  it('with a token that was used is refused, for good', async () => {
    const { request, file } = fixtures.find(({ id }) => id === 'mailgun-route')!;
    const adapter = open();
    await adapter.parseWebhook({ ...request, body: read(file) });
    const changed = read(file).toString().replace('mailgun+hello', 'something+else');
    await expect(adapter.parseWebhook({ ...request, body: Buffer.from(changed) })).rejects.toMatchObject({ status: 406 });
  });

  it('with a raw mail is read as a mail', async () => {
    const timestamp = String(Date.parse(clock) / 1000);
    const signature = createHmac('sha256', secrets.signingKey).update(`${timestamp}raw`).digest('hex');
    const mime = 'From: Ana <ana@example.com>\r\nTo: support@inbox.example.test\r\nSubject: Hi\r\nMessage-ID: <raw@example.com>\r\n\r\nhello\r\n';
    const body = Buffer.from(new URLSearchParams({ timestamp, token: 'raw', signature, recipient: 'support@inbox.example.test', sender: 'ana@example.com', 'body-mime': mime }).toString());
    const [seen] = await open().parseWebhook({ method: 'POST', url: 'https://channels.example.test/webhooks/mailgun/CX1/mime', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body });
    expect(seen).toMatchObject({ kind: 'message', from: 'ana@example.com', to: 'support@inbox.example.test', text: 'hello', providerMessageId: '<raw@example.com>' });
  });

  it.each([[{ spamFilter: true }, { dkim: 'pass', spf: 'softfail' }], [{}, {}]])('with %j tells %j of what stands above the mail', async (settings, authentication) => {
    const timestamp = String(Date.parse(clock) / 1000);
    const signature = createHmac('sha256', secrets.signingKey).update(`${timestamp}t`).digest('hex');
    const headers = [['X-Mailgun-Spf', 'SoftFail'], ['X-Mailgun-Dkim-Check-Result', 'Pass'], ['X-Mailgun-Spf', 'Pass'], ['From', 'ana@example.com'], ['Message-Id', '<h@example.com>']];
    const form = { timestamp, token: 't', signature, recipient: 'support@inbox.example.test', sender: 'ana@example.com', 'body-plain': 'hi', 'message-headers': JSON.stringify(headers) };
    const [seen] = await open(settings).parseWebhook({
      method: 'POST', url: 'https://channels.example.test/webhooks/mailgun/CX1', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: Buffer.from(new URLSearchParams(form).toString()),
    });
    expect((seen as InboundMessage).email!.authentication).toEqual(authentication);
  });

  it.each<[Record<string, unknown>, Partial<DeliveryReceipt> | undefined]>([
    [{ event: 'delivered' }, { status: 'delivered' }],
    [{ event: 'opened' }, { status: 'read' }],
    [{ event: 'failed', severity: 'temporary' }, { status: 'sent' }],
    [{ event: 'failed', severity: 'permanent', 'delivery-status': { code: 550, message: '5.1.1 nobody' } }, { status: 'undelivered', errorCode: 30005, suppress: 'bounce' }],
    [{ event: 'failed', severity: 'permanent', reason: 'suppress-bounce' }, { status: 'failed', errorCode: 21610 }],
    [{ event: 'rejected', reject: { reason: 'Sandbox subdomains are for test purposes only', description: '' } }, { status: 'failed', errorCode: 30008, carrierCode: 'Sandbox subdomains are for test purposes only' }],
    [{ event: 'complained' }, { status: 'delivered', suppress: 'complaint' }],
    [{ event: 'teleported' }, undefined],
    [{ event: 'constructor' }, undefined],
    // Longer than any key could be.
    [{ event: 'delivered', message: { headers: { 'message-id': 'x'.repeat(3_000) } } }, undefined],
  ])('%j', async (said, expected) => {
    const deliveryId = `DY${'a'.repeat(32)}`;
    const data = { recipient: 'ana@example.com', message: { headers: { 'message-id': 'x@inbox.example.test' } }, 'user-variables': { parley_delivery: deliveryId }, ...said };
    const seen = await open().parseWebhook(event(data));
    expect(seen).toEqual(expected === undefined ? [] : [expect.objectContaining({ ...expected, deliveryId, providerMessageId: 'x@inbox.example.test' })]);
  });
});
