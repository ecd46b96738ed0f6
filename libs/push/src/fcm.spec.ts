import { FcmProvider } from './fcm.js';
import { PlayedFcm, refuse } from './fcm.testing.js';
import { serviceAccountOf } from './google-token.js';
import { notification } from './notification.testing.js';
import { PushError } from './push-provider.js';

let fcm: PlayedFcm;
let provider: FcmProvider;
beforeEach(async () => {
  fcm = await PlayedFcm.start();
  provider = new FcmProvider(serviceAccountOf(fcm.serviceAccount), { fcmUrl: fcm.url, tokenUrl: fcm.tokenUrl });
});
afterEach(() => fcm.stop());
const send = (token = 'device') => provider.send(token, notification(), AbortSignal.timeout(30_000));
const failure = (token?: string) => send(token).then(() => undefined, (error: unknown) => error as PushError);

it('sends with one access token, fetched once for all who wait', async () => {
  await Promise.all(['a', 'b', 'c'].map(send));
  expect(fcm.messages.map(({ token }) => token).sort()).toEqual(['a', 'b', 'c']);
  expect(fcm.granted).toHaveLength(1);
  const { data, android } = fcm.messages[0]!;
  expect(data).toMatchObject({ twi_body: 'Tea:Alice: hello', message_index: '7' });
  expect(android).toEqual({ priority: 'HIGH', ttl: expect.stringMatching(/^3(5\d\d|600)s$/) });
});

it('fetches another before the old one ends, and when it was revoked', async () => {
  fcm.expiresInSeconds = 299; // within what is left for the way
  await send();
  await send();
  expect(fcm.granted).toHaveLength(2);
  fcm.expiresInSeconds = 3599;
  await send();
  fcm.granted = fcm.granted.map(() => 'revoked');
  await send();
  expect(fcm.messages).toHaveLength(4);
});

it('keeps a token that another request fetched meanwhile, when an old one is refused late', async () => {
  await send();
  const late: (() => void)[] = [];
  fcm.late = () => new Promise((resolve) => late.push(resolve));
  fcm.granted = ['revoked'];
  const both = [send('a'), send('b')];
  for (const end = Date.now() + 30_000; late.length < 2; ) {
    if (Date.now() > end) throw new Error('never refused');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  fcm.late = undefined;
  late[0]!();
  await Promise.race(both);
  late[1]!();
  await Promise.all(both);
  expect(fcm.granted).toHaveLength(2); // the revoked one's place, and one more
});

it.each([
  [404, 'UNREGISTERED', {}, { outcome: 'gone' }],
  // The project, or the address: the devices live.
  [404, 'NOT_FOUND', {}, { outcome: 'never', reason: 'NOT_FOUND' }],
  [400, 'INVALID_ARGUMENT', { field: 'message.token' }, { outcome: 'gone' }],
  [400, 'INVALID_ARGUMENT', { field: 'message.data' }, { outcome: 'never', reason: 'INVALID_ARGUMENT' }],
  // The device belongs to another project: the credential is wrong, and every device would be lost.
  [403, 'SENDER_ID_MISMATCH', {}, { outcome: 'never' }],
  [401, 'THIRD_PARTY_AUTH_ERROR', {}, { outcome: 'never' }],
  [429, 'QUOTA_EXCEEDED', { retryAfter: '7' }, { outcome: 'later', retryAfterMillis: 7_000, everybody: true }],
  [429, 'QUOTA_EXCEEDED', {}, { outcome: 'later', retryAfterMillis: 60_000 }],
  [503, 'UNAVAILABLE', { retryAfter: '3' }, { outcome: 'later', retryAfterMillis: 3_000, everybody: true }],
  [500, 'INTERNAL', {}, { outcome: 'later', retryAfterMillis: undefined, everybody: false }],
] as const)('%i %s %j', async (status, code, more, expected) => {
  fcm.answer = (_message, response) => refuse(response, status, code, more);
  expect(await failure()).toMatchObject(expected);
});

it('says why there is no access token', async () => {
  const other = await PlayedFcm.start();
  provider = new FcmProvider(serviceAccountOf(other.serviceAccount), { fcmUrl: fcm.url, tokenUrl: fcm.tokenUrl });
  other.stop();
  for (const _ of [1, 2, 3]) expect(await failure()).toMatchObject({ outcome: 'never', reason: 'no access token: invalid_grant' });
  expect(fcm.refused).toBe(1);
  provider = new FcmProvider(serviceAccountOf(fcm.serviceAccount), { fcmUrl: fcm.url, tokenUrl: 'http://127.0.0.1:1/token' });
  expect(await failure()).toMatchObject({ outcome: 'later', everybody: true });
  expect(() => serviceAccountOf('AAAA-server-key')).toThrow(/no service account/);
});

it('a broken line and a silence are worth another attempt', async () => {
  fcm.answer = (_message, response) => void response.destroy();
  expect(await failure()).toMatchObject({ outcome: 'later' });
  fcm.answer = () => {};
  await expect(provider.send('device', notification(), AbortSignal.timeout(100))).rejects.toMatchObject({ outcome: 'later' });
});
