/** SendGrid's webhooks as they really come (fixtures/sendgrid/index.json), and events signed here. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { DeliveryReceipt, InboundMessage } from '../../inbound-event.js';
import { InvalidSignature } from '../../send-error.js';
import { openSendgrid } from './adapter.js';

type Fixture = {
  id: string; file: string; desc: string; signatureValid: boolean | null; expectHttp: number;
  request: { method: string; url: string; headers: Record<string, string> };
  expected: { text: string; media: { filename: string; contentType: string; contentId: string; size: number }[]; conversationSid?: string; subject: string }[];
};
const read = (file: string) => readFileSync(new URL(`../../../fixtures/sendgrid/${file}`, import.meta.url));
const { clock, fixtures, secrets } = JSON.parse(read('index.json').toString()) as {
  clock: string; fixtures: Fixture[]; secrets: { publicKeyDerBase64: string; replyToken: { hmacKey: string; domain: string } };
};
const { publicKeyDerBase64, replyToken } = secrets;
const events = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const eventPublicKey = events.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');

const open = (credentials: Record<string, string> = {}, settings: object = {}) => Object.assign(openSendgrid({
  sid: 'CX1', account: 'AC1', publicUrl: 'https://channels.example.test', webhookUrl: 'https://channels.example.test/webhooks/sendgrid/CX1',
  signingKey: replyToken.hmacKey, settings: { domain: replyToken.domain, ...settings }, credentials: { apiKey: 'SG.x', eventPublicKey, ...credentials },
}), { now: () => Date.parse(clock) });

function signed(list: unknown, at = Date.parse(clock)) {
  const body = Buffer.from(`${JSON.stringify(list)}\r\n`);
  const timestamp = String(Math.floor(at / 1000));
  const signature = sign('sha256', Buffer.concat([Buffer.from(timestamp), body]), events.privateKey).toString('base64');
  return {
    method: 'POST', url: 'https://channels.example.test/webhooks/sendgrid/CX1/events', body,
    headers: { 'x-twilio-email-event-webhook-signature': signature, 'x-twilio-email-event-webhook-timestamp': timestamp },
  };
}

describe('a webhook of SendGrid', () => {
  for (const { id, file, desc, request, signatureValid, expected } of fixtures)
    it(`${id}: ${desc}`, async () => {
      const key = new URL(request.url).searchParams.get('key');
      const adapter = open(key === null ? { parsePublicKey: publicKeyDerBase64 } : { parseSecret: key });
      const parsed = adapter.parseWebhook({ ...request, body: read(file) });
      if (signatureValid === false) return expect(parsed).rejects.toThrow(InvalidSignature);
      const seen = (await parsed) as InboundMessage[];
      expect(seen).toMatchObject(expected.map(({ media, conversationSid: _, subject, ...event }) => ({
        ...event, email: { subject }, media: media.map(({ size, ...one }) => ({ ...one, bytes: size })),
      })));
      expect(seen.map(({ email }) => email!.replyToken?.toLowerCase())).toEqual(expected.map(({ conversationSid }) => conversationSid));
      return undefined;
    });

  it('about a send that was never answered is waited for, where events come', () => {
    const without = openSendgrid({ sid: 'CX1', account: 'AC1', publicUrl: '', webhookUrl: '', settings: { domain: 'inbox.example.test' }, credentials: { apiKey: 'SG.x' } });
    expect([open().limits.lookupDelayMillis, without.limits.lookupDelayMillis]).toEqual([60_000, 0]);
  });

  it('is refused without the secret, with another, or too late', async () => {
    const raw = fixtures.find(({ id }) => id === 'sendgrid-parse-raw')!;
    const url = raw.request.url.replace('path-secret', 'other-secret');
    await expect(open({ parseSecret: 'path-secret' }).parseWebhook({ ...raw.request, url, body: read(raw.file) })).rejects.toThrow(InvalidSignature);
    await expect(open().parseWebhook({ ...raw.request, body: read(raw.file) })).rejects.toThrow(InvalidSignature);
    await expect(open().parseWebhook(signed([], Date.parse(clock) - 700_000))).rejects.toThrow(InvalidSignature);
  });

  it.each([
    ['{@example.com : pass}', 'pass', { dkim: 'pass', spf: 'pass' }],
    ['{@lists.example.com : fail, @example.com : pass}', 'SoftFail', { dkim: 'pass', spf: 'softfail' }],
    ['none', '', {}],
  ])('tells what SendGrid found of %j and %j, raw and parsed', async (dkim, spf, authentication) => {
    const mail = 'From: ana@example.com\r\nTo: support@inbox.example.test\r\nMessage-ID: <m@example.com>\r\n\r\nhi';
    for (const fields of [{ email: mail }, { headers: mail.split('\r\n\r\n')[0]!, text: 'hi' }]) {
      const parts = Object.entries({ ...fields, dkim, SPF: spf, envelope: '{"from":"ana@example.com","to":["support@inbox.example.test"]}' });
      const body = Buffer.from([...parts.map(([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`), '--b--\r\n'].join(''));
      const url = 'https://channels.example.test/webhooks/sendgrid/CX1/parse?key=path-secret-path-secret';
      const seen = await open({ parseSecret: 'path-secret-path-secret' }).parseWebhook({ method: 'POST', url, headers: { 'content-type': 'multipart/form-data; boundary=b' }, body });
      expect(seen).toMatchObject([{ kind: 'message', text: 'hi' }]);
      expect((seen[0] as InboundMessage).email!.authentication).toEqual(authentication);
    }
  });

  it('can be held against the DNS instead, which knows DMARC as well', async () => {
    const raw = fixtures.find(({ id }) => id === 'sendgrid-parse-raw')!;
    const key = new URL(raw.request.url).searchParams.get('key')!;
    const adapter = open({ parseSecret: key }, { authenticate: true });
    const records: Record<string, string[][]> = { 'example.com TXT': [['v=spf1 -all']], '_dmarc.example.com TXT': [['v=DMARC1; p=reject']] };
    adapter.resolver = async (name, type) => records[`${name} ${type}`] ?? Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));
    const [seen] = (await adapter.parseWebhook({ ...raw.request, body: read(raw.file) })) as [InboundMessage];
    expect(seen.email!.authentication).toMatchObject({ dmarc: 'fail' });
  });

  it.each<[Record<string, unknown>, Partial<DeliveryReceipt> | undefined]>([
    [{ event: 'processed' }, { status: 'sent' }],
    [{ event: 'delivered' }, { status: 'delivered' }],
    [{ event: 'open' }, { status: 'read' }],
    [{ event: 'open', sg_machine_open: true }, undefined],
    [{ event: 'bounce', status: '5.1.1', reason: '550 5.1.1 no such user', type: 'bounce' }, { status: 'undelivered', errorCode: 30005, suppress: 'bounce' }],
    [{ event: 'bounce', status: '5.7.1', reason: '550 5.7.1 listed', type: 'blocked' }, { status: 'undelivered', errorCode: 30007, retryable: true }],
    [{ event: 'dropped', reason: 'Bounced Address' }, { status: 'failed', errorCode: 21610 }],
    [{ event: 'spamreport' }, { status: 'delivered', suppress: 'complaint' }],
    [{ event: 'unsubscribe' }, { status: 'delivered', suppress: 'unsubscribe' }],
    [{ event: 'click' }, undefined],
    [{ event: 'teleported' }, undefined],
    [{ event: 'constructor' }, undefined],
    // Longer than any key could be.
    [{ event: 'delivered', sg_message_id: 'x'.repeat(3_000) }, undefined],
  ])('%j', async (said, expected) => {
    const deliveryId = `DY${'a'.repeat(32)}`;
    const seen = await open().parseWebhook(signed([{ email: 'ana@example.com', sg_message_id: 'abc.filter1', parley_delivery: deliveryId, ...said }]));
    expect(seen).toEqual(expected === undefined ? [] : [expect.objectContaining({ ...expected, deliveryId, providerMessageId: 'abc', from: 'ana@example.com' })]);
  });
});
