/**
 * Push from end to end: a device that the official client SDK registers, and a browser without that SDK, hear of what is said
 * through push services that are played here; a device that is gone is forgotten.
 */
import { PlayedFcm, refuse } from '../libs/push/src/fcm.testing.ts';
import { PlayedBrowser } from '../libs/push/src/web-push.testing.ts';
import { accessToken } from '../tools/bench/access-token.ts';
import { Parley, START_MS, topology, until } from './installation.js';
import { Phone } from './push-device.js';

const STORY_MS = 180_000;
let parley: Parley;
let fcm: PlayedFcm;
let browser: PlayedBrowser;
let alice: Phone | undefined;
beforeAll(async () => {
  [fcm, browser] = await Promise.all([PlayedFcm.start(), PlayedBrowser.start()]);
  parley = await Parley.start({ env: { PUSH_FCM_URL: fcm.url, PUSH_FCM_TOKEN_URL: fcm.tokenUrl, PUSH_RETRY_MILLIS: '50' } });
}, START_MS);
afterAll(async () => {
  await alice?.stop();
  await parley?.stop();
  fcm?.stop();
  browser?.stop();
}, START_MS);

it(`a device and a browser are told, and forgotten when they are gone (${topology})`, async () => {
  const { conversations, services, credentials } = parley.sdk().conversations.v1;
  const service = services(parley.account.serviceSid);
  await service.configuration().update({ reachabilityEnabled: true });
  await service.configuration.notifications().update({
    'newMessage.enabled': true, 'newMessage.template': '${PARTICIPANT} in ${CONVERSATION}: ${MESSAGE}', 'newMessage.sound': 'ding', 'addedToConversation.enabled': true,
  });
  const { sid: credential } = await credentials.create({ type: 'fcm', friendlyName: 'Android', secret: fcm.serviceAccount });
  const notifiable = async (identity: string) => (await service.users(identity).fetch()).isNotifiable;

  alice = await Phone.start(parley.installation.info.clientWsUrl, accessToken(parley.account, 'alice', 3600, { push_credential_sid: credential }));
  await alice.setPushRegistrationId('fcm', 'her-phone');
  const [binding] = await until(async () => { const list = await service.bindings.list({ identity: ['alice'] }); return list.length > 0 && list; }, 'registered');
  expect(binding).toMatchObject({ bindingType: 'fcm', credentialSid: credential, identity: 'alice' });
  expect(await notifiable('alice')).toBe(true);
  await until(() => alice!.isNotifiable(), 'the SDK shows it');

  // Bob has a browser, and no SDK: his application registers the subscription.
  const webPush = (await parley.request('/v1/Credentials', { body: new URLSearchParams({ Type: 'webpush', Subject: 'mailto:ops@example.com' }).toString() })).body;
  expect(webPush.public_key).toMatch(/^[\w-]{87}$/);
  const device = { BindingType: 'webpush', Address: JSON.stringify(browser.subscription()), CredentialSid: webPush.sid as string };
  const authorization = `Bearer ${accessToken(parley.account, 'bob')}`;
  const devices = `/v1/Services/${parley.account.serviceSid}/Devices`;
  expect(await parley.request(devices, { body: new URLSearchParams(device).toString(), as: null, headers: { authorization } })).toMatchObject({ status: 201, body: { identity: 'bob' } });

  const { sid } = await conversations.create({ friendlyName: 'Tea' });
  for (const identity of ['alice', 'bob']) await conversations(sid).participants.create({ identity });
  await until(async () => fcm.messages.length === 1 && browser.shown.length === 1, 'both were added');
  expect(fcm.messages[0]!.data).toMatchObject({ twi_message_type: 'twilio.conversations.added_to_conversation', twi_body: 'You have been added to the conversation Tea by system' });

  await conversations(sid).messages.create({ author: 'carol', body: 'hello 🙂' });
  await until(async () => fcm.messages.length === 2 && browser.shown.length === 2, 'both hear of it');
  // What arrives on the phone, the SDK understands.
  expect(await alice.handlePushNotification({ data: fcm.messages[1]!.data })).toMatchObject({ type: 'twilio.conversations.new_message', body: 'carol in Tea: hello 🙂', sound: 'ding', data: { conversationSid: sid, messageIndex: 0 } });
  expect(browser.shown[1]!.payload.data).toMatchObject({ twi_body: 'carol in Tea: hello 🙂', conversation_title: 'Tea' });

  // Who writes is not told of it.
  await conversations(sid).messages.create({ author: 'alice', body: 'of hers' });
  await until(async () => browser.shown.length === 3, 'bob hears of it');

  fcm.answer = (_message, response) => refuse(response, 404, 'UNREGISTERED');
  await conversations(sid).messages.create({ author: 'carol', body: 'anybody?' });
  await until(async () => (await service.bindings.list({ identity: ['alice'] })).length === 0, 'forgotten');
  expect(await notifiable('alice')).toBe(false);
  await until(async () => !(await alice!.isNotifiable()), 'the SDK shows it');
  expect(fcm.messages.map(({ data }) => data['twi_body']!.split(': ')[1])).toEqual([undefined, 'hello 🙂', 'anybody?']);

  // She takes it back herself.
  await alice.setPushRegistrationId('fcm', 'her-next-phone');
  await until(async () => (await notifiable('alice')) === true, 'registered again');
  await alice.unsetPushRegistrationId('fcm');
  await until(async () => (await notifiable('alice')) === false, 'taken back');
  await alice.setPushRegistrationId('fcm', 'lost');
  await until(async () => (await notifiable('alice')) === true, 'registered again');
  await alice.removePushRegistrations('fcm', 'lost');
  await until(async () => (await notifiable('alice')) === false, 'removed by address');
}, STORY_MS);
