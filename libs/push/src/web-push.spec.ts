import { notification } from './notification.testing.js';
import { PushError, retryAfterMillis } from './push-provider.js';
import { newVapidKeys, vapidPublicKey } from './vapid.js';
import { encrypted } from './web-push-encryption.js';
import { WebPushProvider } from './web-push.js';
import { PlayedBrowser } from './web-push.testing.js';

let browser: PlayedBrowser;
beforeEach(async () => { browser = await PlayedBrowser.start(); });
afterEach(() => browser.stop());
const keys = newVapidKeys();
const provider = (privateAllowed = true) => new WebPushProvider({ type: 'webpush', sandbox: false, privateKey: keys.privateKey, subject: 'mailto:ops@example.com' }, privateAllowed);
const send = (subscription: object = browser.subscription(), by = provider()) => by.send(JSON.stringify(subscription), notification(), AbortSignal.timeout(30_000));
const failure = (...args: Parameters<typeof send>) => send(...args).then(() => undefined, (error: unknown) => error as PushError);

it('encrypts as RFC 8291 does in its appendix', () => {
  const from = (text: string) => Buffer.from(text, 'base64url');
  const body = encrypted('When I grow up, I want to be a watermelon',
    { p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', auth: 'BTBZMqHH6r4Tts7J_aSIgg' },
    { privateKey: from('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'), salt: from('DGv6ra1nlYgDCS1FRnbzlw') });
  expect(body.toString('base64url')).toBe('DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN');
});

it('reaches the browser, which alone can read it and knows who sent it', async () => {
  await send();
  const [shown] = browser.shown;
  expect(shown).toMatchObject({
    path: '/send/1', subject: 'mailto:ops@example.com', payload: { data: { twi_body: 'Tea:Alice: hello', conversation_title: 'Tea' } },
    headers: { ttl: expect.stringMatching(/^3(5\d\d|600)$/), urgency: 'high', topic: expect.stringMatching(/^[0-9a-f]{32}$/) },
  });
});

it.each([
  [{ status: 404 }, { outcome: 'gone' }], [{ status: 410 }, { outcome: 'gone' }], [{ status: 413 }, { outcome: 'never', reason: 'HTTP 413' }], [{ status: 403 }, { outcome: 'never' }],
  [{ status: 301, headers: { location: '/elsewhere' } }, { outcome: 'never' }],
  [{ status: 429, headers: { 'retry-after': '4' } }, { outcome: 'later', retryAfterMillis: 4_000, everybody: true }], [{ status: 500 }, { outcome: 'later', everybody: false }],
])('%j', async (answer, expected) => {
  browser.answer = () => answer;
  expect(await failure()).toMatchObject(expected);
  expect(browser.shown).toHaveLength(1);
});

it('does not go into private networks, neither by address nor by name', async () => {
  expect(await failure(browser.subscription(), provider(false))).toMatchObject({ outcome: 'never' });
  const named = { ...browser.subscription(), endpoint: browser.subscription().endpoint.replace('127.0.0.1', 'localhost.') };
  expect(await failure(named, provider(false))).toMatchObject({ outcome: 'never' });
  expect(browser.shown).toHaveLength(0);
});

it('drops a subscription whose key is no point of the curve; refuses a credential that is none', async () => {
  const { endpoint, keys: { auth } } = browser.subscription();
  expect(await failure({ endpoint, keys: { auth, p256dh: Buffer.alloc(65, 4).toString('base64url') } })).toMatchObject({ outcome: 'gone' });
  expect(() => new WebPushProvider({ type: 'webpush', sandbox: false, privateKey: 'AAAA', subject: 'mailto:a@b' }, true)).toThrow(PushError);
  expect(() => new WebPushProvider({ type: 'webpush', sandbox: false, privateKey: keys.privateKey }, true)).toThrow(PushError);
});

it('makes keys of 65 and 32 bytes that belong together', () => {
  for (let n = 0; n < 300; n++) {
    const { publicKey, privateKey } = newVapidKeys();
    expect([privateKey.length, publicKey.length]).toEqual([43, 87]);
    expect(vapidPublicKey(privateKey)).toBe(publicKey);
  }
  expect(vapidPublicKey('A'.repeat(43))).toBeUndefined();
});

it.each([['120', 120_000], [' 5 ', 5_000], ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000], ['Wed, 31 Dec 2025 00:00:00 GMT', 0], ['99999999', 3_600_000], ['soon', undefined], [undefined, undefined]])(
  'Retry-After: %s', (header, millis) => expect(retryAfterMillis(header, Date.parse('2026-01-01T00:00:00Z'))).toBe(millis));
