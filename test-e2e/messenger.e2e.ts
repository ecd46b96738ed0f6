/** Messenger from the connection to the read mark, its API played on a socket from the documented facts. */
import { happened, messageIn, messengerCredentials, PAGE, PERSON, playedMessenger } from '@parley/channel/carriers/messenger/played-messenger.testing';
import type { RawWebhook } from '@parley/channel/channel-adapter';
import { Caller } from './caller.js';
import { Parley, START_MS, topology, until } from './installation.js';

const messenger = playedMessenger();
let parley: Parley;
let caller: Caller;
let webhookUrl: string;
let conversation: string;
beforeAll(async () => {
  await messenger.listen();
  parley = await Parley.start({ env: { WEBHOOK_PRIVATE_TARGETS: 'allow' } });
  caller = new Caller(parley.account, parley.installation.info);
  const connection = await caller.post<{ sid: string; webhook_url: string }>('/v1/CarrierConnections', {
    Carrier: 'messenger', Credentials: JSON.stringify(messengerCredentials), Settings: JSON.stringify({ baseUrl: messenger.url, app_id: '300000000000003' }),
  });
  webhookUrl = `${parley.installation.info.webhookUrl}/messenger/${connection.sid}`;
  await caller.post('/v1/Senders', { Address: `messenger:${PAGE}`, ConnectionSid: connection.sid });
  conversation = `/v1/Conversations/${(await caller.post<{ sid: string }>('/v1/Conversations', {})).sid}`;
  await caller.post(`${conversation}/Participants`, { 'MessagingBinding.Address': `messenger:${PERSON}`, 'MessagingBinding.ProxyAddress': `messenger:${PAGE}` });
}, START_MS);
afterAll(async () => {
  await parley?.stop();
  await messenger.close();
}, START_MS);

const tell = async ({ headers, body }: RawWebhook) => (await fetch(webhookUrl, { method: 'POST', headers: headers as Record<string, string>, body: new Uint8Array(body) })).status;
const write = async (Body: string) => (await caller.post<{ sid: string }>(`${conversation}/Messages`, { Body, Author: 'agent' })).sid;
const receipt = (message: string, status: string) => until(async () =>
  (await caller.all<{ status: string; error_code: number }>(`${conversation}/Messages/${message}/Receipts`, 'delivery_receipts')).find((one) => one.status === status), `a receipt ${status}`);

it(`Messenger: asked, written to, answered, read (${topology})`, async () => {
  const asked = await fetch(`${webhookUrl}?hub.mode=subscribe&hub.verify_token=${messengerCredentials.verify_token}&hub.challenge=17`);
  expect([asked.status, await asked.text()]).toEqual([200, '17']);

  const carrier = messenger.play(webhookUrl);
  const webhook = carrier.message({ id: 'm_in', text: 'Hi there' });
  expect(await Promise.all([tell(webhook), tell(webhook), tell(carrier.forged(webhook))])).toEqual([200, 200, 403]);
  const texts = async () => (await caller.all<{ body: string; author: string }>(`${conversation}/Messages`, 'messages')).map(({ author, body }) => [author, body]);
  await until(async () => (await texts()).length === 1, 'it is in the thread');
  expect(await texts()).toEqual([[`messenger:${PERSON}`, 'Hi there']]);

  const first = await write('Hello');
  await until(async () => messenger.taken.length === 1, 'it was sent');
  const { message, recipient } = messageIn(messenger.taken[0]!);
  expect([message['text'], recipient]).toEqual(['Hello', { id: PERSON }]);
  expect(await tell(carrier.status({ id: `m_${message.metadata}`, status: 'echo', deliveryId: message.metadata }))).toBe(200);
  await receipt(first, 'sent');
  const second = await write('Still there?');
  await until(async () => messenger.taken.length === 2, 'the second was sent');
  expect(await tell(happened({ read: { watermark: Date.now() + 30_000 } }))).toBe(200);
  await Promise.all([receipt(first, 'read'), receipt(second, 'read')]);
}, START_MS);
