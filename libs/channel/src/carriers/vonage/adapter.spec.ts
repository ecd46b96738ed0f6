import { generateKeyPairSync, verify } from 'node:crypto';
import { conformsToTheChannelPort } from '../../conformance.testing.js';
import { fixturesOf, parsesItsPayloads, webhookOf, type Fixture } from '../../fixture-table.testing.js';
import type { InboundPart } from '../../inbound-event.js';
import { playedConnection } from '../../played-http-carrier.testing.js';
import { InvalidSignature } from '../../send-error.js';
import { VonageSms } from './adapter.js';
import { vonage as definition, type VonageSettings } from './definition.js';
import { playedVonage, signedByVonage } from './played-vonage.testing.js';
import { smsApiSignature } from './tokens.js';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const application = { applicationId: '11111111-2222-4333-8444-555555555555', privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string };
const [byKey, byApplication] = [playedVonage(), playedVonage({}, application)];
beforeAll(() => Promise.all([byKey.listen(), byApplication.listen()]));
afterAll(() => Promise.all([byKey.close(), byApplication.close()]));
const signal = () => AbortSignal.timeout(30_000);

conformsToTheChannelPort('Vonage by key', () => byKey.play());
conformsToTheChannelPort('Vonage by application', () => byApplication.play());

const { secrets, fixtures } = fixturesOf<{ apiKey: string; signatureSecret: string }>('vonage');
const at = (settings: VonageSettings = {}) => new VonageSms(playedConnection({ apiKey: secrets.apiKey, signatureSecret: secrets.signatureSecret, apiSecret: 'x' }, settings));
parsesItsPayloads('vonage', () => at({ smsApiSignature: 'unsigned' }));

describe('Vonage', () => {
  const sent = () => JSON.parse(byKey.taken.at(-1)!.body);
  const photo = { url: 'https://parley.example.test/media/ME1', contentType: 'image/jpeg', filename: 'a.jpg', bytes: 10 };

  it('is called with a token of the application', async () => {
    const { adapter, delivery } = byApplication.play();
    await adapter.send(delivery, signal());
    const [header, claims, signature] = byApplication.taken[0]!.headers.authorization!.replace('Bearer ', '').split('.') as [string, string, string];
    expect(verify('sha256', Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ application_id: application.applicationId });
  });
  it('is sent numbers without plus and names as they are', async () => {
    const { adapter, delivery } = byKey.play();
    await adapter.send({ ...delivery, sender: 'Parley', recipient: '+4915550100002' }, signal());
    expect(sent()).toMatchObject({ from: 'Parley', to: '4915550100002', channel: 'sms', text: 'hello' });
  });
  it('is sent one file as its kind, several as content', async () => {
    const { adapter, delivery } = byKey.play();
    await adapter.send({ ...delivery, media: [photo] }, signal());
    expect(sent()).toMatchObject({ channel: 'mms', message_type: 'image', image: { url: photo.url, caption: 'hello' } });
    await adapter.send({ ...delivery, body: null, media: [photo, { ...photo, contentType: 'text/vcard' }] }, signal());
    expect(sent()).toMatchObject({ message_type: 'content', content: [{ type: 'image', url: photo.url }, { type: 'vcard', url: photo.url }] });
  });
  it('brings files, and who else is in the group', async () => {
    const { adapter } = byKey.play();
    const webhook = { channel: 'mms', message_uuid: 'u', from: '12025550102', to: '12025550101', message_type: 'image', image: { url: 'https://x.test/a.jpg', name: 'a.jpg', caption: 'see' } };
    expect(await adapter.parseWebhook(signedByVonage({ ...webhook, mms: { participants: ['12025550101', '12025550103'] } }))).toMatchObject([
      { text: 'see', media: [{ contentType: 'image/jpeg', url: 'https://x.test/a.jpg', filename: 'a.jpg' }], group: ['+12025550103'] },
    ]);
  });
  it('brings a text beside a file of no kind', async () => {
    const webhook = { channel: 'mms', message_uuid: 'u', from: '12025550102', to: '12025550101', message_type: 'constructor', url: 'https://x.test/a', text: 'see' };
    expect(await byKey.play().adapter.parseWebhook(signedByVonage(webhook))).toMatchObject([{ kind: 'message', text: 'see', media: [] }]);
  });
  it('is not believed for another account', async () => {
    await expect((async () => at().parseWebhook(signedByVonage({ channel: 'sms' }, { ...secrets, apiKey: 'other', apiSecret: '' })))()).rejects.toThrow(InvalidSignature);
  });
});

describe('the older SMS API', () => {
  const fixture = fixtures.find(({ id }) => id === 'vonage-sms-concat-part1')!;
  const parse = (settings: VonageSettings, changes: Record<string, string> = {}) => {
    const webhook = webhookOf('vonage', fixture as Fixture);
    const parameters = { ...JSON.parse(webhook.body.toString()), ...changes };
    return (async () => at(settings).parseWebhook({ ...webhook, body: Buffer.from(JSON.stringify(parameters)) }))();
  };

  it('brings long messages in pieces, which joined are the text', async () => {
    const parts = (await Promise.all([
      parse({ smsApiSignature: 'unsigned' }, { messageId: 'b', 'concat-part': '2', text: 'second half.\ud83d' }), parse({ smsApiSignature: 'unsigned' }),
    ])).flat() as InboundPart[];
    expect(parts.map(({ part: { reference, number, total } }) => [reference, number, total])).toEqual([['77', 2, 2], ['77', 1, 2]]);
    const bytes = Buffer.concat(parts.toReversed().map(({ part }) => Buffer.from(part.bytes, 'base64')));
    expect(bytes.swap16().toString('utf16le')).toBe('First half, second half.\ud83d');
  });
  it('of a piece that could be kept nowhere brings its text alone', async () => {
    expect(await parse({ smsApiSignature: 'unsigned' }, { 'concat-ref': '7'.repeat(300), text: 'half' })).toMatchObject([{ kind: 'message', text: 'half' }]);
  });
  it('is refused where nobody asked for it, or with another signature', async () => {
    await expect(parse({})).rejects.toMatchObject({ status: 401 });
    await expect(parse({ smsApiSignature: 'sha256' })).rejects.toThrow(InvalidSignature);
    await expect(parse({ smsApiSignature: 'unsigned' }, { 'api-key': 'other' })).rejects.toThrow(InvalidSignature);
  });
  it.each(['md5hash', 'md5', 'sha1', 'sha256', 'sha512'] as const)('is believed when signed by %s', async (method) => {
    const parameters = { 'api-key': secrets.apiKey, msisdn: '15550100002', to: '15550100001', messageId: 'm1', text: 'a=b&c', timestamp: '1', nonce: 'n' };
    const query = new URLSearchParams({ ...parameters, sig: smsApiSignature(method, secrets.signatureSecret, parameters) });
    const webhook = { method: 'GET', url: `https://parley.example.test/webhooks/vonage/CX1?${query}`, headers: {}, body: Buffer.alloc(0) };
    expect(await at({ smsApiSignature: method }).parseWebhook(webhook)).toMatchObject([{ kind: 'message', from: '+15550100002', text: 'a=b&c' }]);
  });
  it('reports what became of a message', async () => {
    const webhook = { method: 'POST', url: 'https://parley.example.test/x', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    const body = new URLSearchParams({ 'api-key': secrets.apiKey, msisdn: '15550100002', to: '15550100001', messageId: 'm1', status: 'failed', 'err-code': '9' });
    expect(at({ smsApiSignature: 'unsigned' }).parseWebhook({ ...webhook, body: Buffer.from(body.toString()) })).toMatchObject([
      { kind: 'status', from: '+15550100001', to: '+15550100002', status: 'undelivered', errorCode: 21610, carrierCode: '9' },
    ]);
  });
});

it('needs a key or an application', () => {
  const { credentials } = definition;
  expect(credentials.safeParse({ apiKey: 'a', signatureSecret: 's' }).success).toBe(false);
  expect(credentials.safeParse({ apiKey: 'a', signatureSecret: 's', apiSecret: 'x' }).success).toBe(true);
  expect(credentials.safeParse({ apiKey: 'a', signatureSecret: 's', ...application }).success).toBe(true);
  expect(credentials.safeParse({ apiKey: 'a', signatureSecret: 's', ...application, privateKey: '-----BEGIN NOTHING-----' }).success).toBe(false);
});
