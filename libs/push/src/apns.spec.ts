import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApnsProvider } from './apns.js';
import { KEY_ID, PlayedApns, TEAM_ID, type ApnsReply } from './apns.testing.js';
import { notification } from './notification.testing.js';
import { PushError, type OpenCredential } from './push-provider.js';

let apns: PlayedApns;
let provider: ApnsProvider;
const credential = (): OpenCredential => ({ type: 'apn', sandbox: false, privateKey: apns.privateKey, keyId: KEY_ID, teamId: TEAM_ID, topic: 'com.example.chat' });
const open = (changes: Partial<OpenCredential> = {}, url = apns.url) => new ApnsProvider({ ...credential(), ...changes }, { apnsUrl: url, apnsSandboxUrl: 'http://127.0.0.1:1' });
beforeEach(async () => {
  apns = await PlayedApns.start();
  provider = open();
});
afterEach(() => {
  provider.close();
  apns.stop();
});
const send = (device = 'abcd', patience = 30_000) => provider.send(device, notification(), AbortSignal.timeout(patience));
const failure = (device?: string, patience?: number) => send(device, patience).then(() => undefined, (error: unknown) => error as PushError);

it('sends side by side over one connection, with a token Apple can check', async () => {
  await Promise.all(['aa', 'bb', 'cc'].map((device) => send(device)));
  expect(apns.requests.map(({ device }) => device).sort()).toEqual(['aa', 'bb', 'cc']);
  expect(apns.connections).toBe(1);
  const { id } = notification();
  expect(apns.requests[0]!.headers).toMatchObject({
    'apns-topic': 'com.example.chat', 'apns-push-type': 'alert', 'apns-priority': '10', 'apns-id': id, 'apns-collapse-id': id,
    'apns-expiration': expect.stringMatching(/^\d{10}$/),
  });
  // In an hour, of when it was made; in seconds.
  expect(Math.abs(Number(apns.requests[0]!.headers['apns-expiration']) - Date.now() / 1000 - 3_600)).toBeLessThan(60);
  expect(apns.requests[0]!.payload.aps).toMatchObject({ alert: 'Tea:Alice: hello', sound: 'ding' });
});

it.each<[ApnsReply, object]>([
  [{ status: 410, reason: 'Unregistered', timestamp: 1_700_000_000_000 }, { outcome: 'gone', goneSince: 1_700_000_000_000 }],
  [{ status: 410, reason: 'ExpiredToken' }, { outcome: 'gone' }],
  [{ status: 400, reason: 'BadDeviceToken' }, { outcome: 'gone' }],
  // Of another app: the credential's topic is wrong, and every device would be lost.
  [{ status: 400, reason: 'DeviceTokenNotForTopic' }, { outcome: 'never', reason: 'DeviceTokenNotForTopic' }],
  [{ status: 413, reason: 'PayloadTooLarge' }, { outcome: 'never' }],
  [{ status: 403, reason: 'InvalidProviderToken' }, { outcome: 'never', reason: 'InvalidProviderToken' }],
  [{ status: 429, reason: 'TooManyRequests', headers: { 'retry-after': '5' } }, { outcome: 'later', retryAfterMillis: 5_000, everybody: false }],
  [{ status: 429, reason: 'TooManyProviderTokenUpdates' }, { outcome: 'later', everybody: true }],
  [{ status: 503, reason: 'ServiceUnavailable', headers: { 'retry-after': '9' } }, { outcome: 'later', retryAfterMillis: 9_000, everybody: true }],
  [{ status: 500, reason: 'InternalServerError' }, { outcome: 'later', everybody: false }],
])('%j', async (reply, expected) => {
  apns.answer = () => reply;
  expect(await failure()).toMatchObject(expected);
});

it('signs anew when its token has expired there', async () => {
  let first = true;
  const tokens = new Set<string>();
  apns.answer = ({ headers }) => {
    tokens.add(headers['authorization']!);
    if (!first) return { status: 200 };
    first = false;
    return { status: 403, reason: 'ExpiredProviderToken' };
  };
  await send();
  expect(tokens.size).toBe(2);
});

it('opens another connection when one ended, and when one is silent', async () => {
  await send();
  for (const session of apns.sessions) session.destroy();
  while (await failure()) { /* what was on its way when the line broke */ }
  apns.answer = () => 'never';
  expect(await failure('aa', 100)).toMatchObject({ outcome: 'later' });
  apns.answer = () => ({ status: 200 });
  await send();
  expect(apns.connections).toBe(3);
});

it('goes to the sandbox when the credential says so; refuses one that cannot work', async () => {
  provider = open({ sandbox: true });
  expect(await failure()).toMatchObject({ outcome: 'later', reason: 'APNs cannot be reached' });
  expect(() => open({ topic: undefined })).toThrow(/KeyId, TeamId and Topic/);
  expect(() => open({ privateKey: undefined, certificate: 'x' })).toThrow(PushError);
  provider = open({ privateKey: 'none' });
  expect(await failure()).toMatchObject({ outcome: 'never', reason: expect.stringContaining('.p8') });
  provider = open({ certificate: 'none', privateKey: 'none' }, 'https://127.0.0.1:1');
  expect(await failure()).toMatchObject({ outcome: 'never', reason: expect.stringContaining('do not fit') });
});

describe('with a certificate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-apns-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const certificate = (name: string, ...more: string[]) => {
    const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', cert, ...more], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  };
  it('shows it, and no token', async () => {
    const [server, ours, others] = [certificate('localhost', '-addext', 'subjectAltName=IP:127.0.0.1'), certificate('com.example.chat'), certificate('com.example.other')];
    const secure = await PlayedApns.start({ ...server, ca: ours.cert });
    const withCertificate = ({ key, cert }: typeof ours) => new ApnsProvider(
      { type: 'apn', sandbox: false, privateKey: key, certificate: cert }, { apnsUrl: secure.url, apnsSandboxUrl: secure.url, apnsCa: server.cert });
    provider = withCertificate(ours);
    await send();
    expect(secure.requests[0]!.headers).not.toHaveProperty('authorization');
    provider.close();
    provider = withCertificate(others);
    expect(await failure()).toMatchObject({ outcome: 'never', reason: 'BadCertificate' });
    secure.stop();
  });
});
