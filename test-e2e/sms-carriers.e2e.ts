/**
 * SMS by the carriers people have, each played on a socket from its documented API: connection and sender by REST, messages both
 * ways, receipts in any order, throttles, STOP, and webhooks that nobody we know signed.
 */
import { bandwidthCredentials, bandwidthSettings, playedBandwidth } from '@parley/channel/carriers/bandwidth/played-bandwidth.testing';
import { playedPlivo, plivoCredentials } from '@parley/channel/carriers/plivo/played-plivo.testing';
import { playedTelnyx, telnyxCredentials } from '@parley/channel/carriers/telnyx/played-telnyx.testing';
import { playedVonage, vonageCredentials } from '@parley/channel/carriers/vonage/played-vonage.testing';
import type { RawWebhook } from '@parley/channel/channel-adapter';
import type { PlayedCarrier } from '@parley/channel/conformance.testing';
import { randomUUID } from 'node:crypto';
import { Caller } from './caller.js';
import { Parley, START_MS, topology, until } from './installation.js';

const [sender, recipient] = ['+12025550101', '+12025550102'];
const carriers = {
  telnyx: { played: playedTelnyx(), credentials: telnyxCredentials, settings: {} },
  vonage: { played: playedVonage(), credentials: vonageCredentials, settings: {} },
  bandwidth: { played: playedBandwidth(), credentials: bandwidthCredentials, settings: bandwidthSettings },
  plivo: { played: playedPlivo(), credentials: plivoCredentials, settings: {} },
};
type Receipt = { sid: string; status: string; error_code: number };
/** What their own code of the refusal looks like, or their words where they have none. */
const refusals = { telnyx: /^\d+$/, vonage: /^\d+$/, bandwidth: /^HTTP 400: \S/, plivo: /^HTTP 400: dst is not valid$/ };

let parley: Parley;
beforeAll(async () => {
  await Promise.all(Object.values(carriers).map(({ played }) => played.listen()));
  parley = await Parley.start({ env: { WEBHOOK_PRIVATE_TARGETS: 'allow' } });
}, START_MS);
afterAll(async () => {
  await parley?.stop();
  await Promise.all(Object.values(carriers).map(({ played }) => played.close()));
}, START_MS);

describe.each(Object.keys(carriers) as (keyof typeof carriers)[])(`%s (${topology})`, (name) => {
  const { played, credentials, settings } = carriers[name];
  let caller: Caller;
  let carrier: PlayedCarrier;
  let conversation: string;
  beforeAll(async () => {
    caller = new Caller(await parley.newAccount(), parley.installation.info);
    const connection = await caller.post<{ sid: string; webhook_url: string }>('/v1/CarrierConnections', {
      Carrier: name, Credentials: JSON.stringify(credentials), Settings: JSON.stringify({ ...settings, baseUrl: played.url }),
    });
    carrier = played.play(connection.webhook_url);
    await caller.post('/v1/Senders', { Address: sender, ConnectionSid: connection.sid });
    conversation = `/v1/Conversations/${(await caller.post<{ sid: string }>('/v1/Conversations', {})).sid}`;
    await caller.post(`${conversation}/Participants`, { 'MessagingBinding.Address': recipient, 'MessagingBinding.ProxyAddress': sender });
  }, START_MS);

  const write = async (Body: string) => (await caller.post<{ sid: string }>(`${conversation}/Messages`, { Body, Author: 'agent' })).sid;
  const receiptOf = async (message: string) => (await caller.get<{ delivery_receipts: Receipt[] }>(`${conversation}/Messages/${message}/Receipts`)).delivery_receipts[0];
  const tell = async ({ method, url, headers, body }: RawWebhook) => {
    const address = url.replace(/^.*(?=\/webhooks\/)/, new URL(parley.installation.info.webhookUrl).origin);
    return (await fetch(address, { method, headers: headers as Record<string, string>, body: new Uint8Array(body) })).status;
  };
  const texts = async () => (await caller.all<{ body: string | null }>(`${conversation}/Messages`, 'messages')).map(({ body }) => body);

  it('takes a message, throttled at first, and reports on it in any order', async () => {
    carrier.answerWith('throttle');
    const message = await write('Your order is ready');
    await until(() => receiptOf(message).then((receipt) => receipt === undefined), 'nothing is told yet');
    carrier.answerWith('accept');
    await until(async () => played.ids.length > 0, 'the carrier has it');
    const [id, deliveryId] = [played.ids[0]!, carrier.references()[0]!];
    const { sent, delivered } = carrier.words;
    for (const status of [delivered, sent, delivered]) expect(await tell(carrier.status({ id, status, deliveryId }))).toBe(200);
    await until(async () => (await receiptOf(message))?.status === 'delivered', 'it is delivered');
    expect([played.taken.length, played.taken[0]!.body.includes('Your order is ready')]).toEqual([1, true]);
  }, START_MS);
  it('refuses one, with the documented code and its own', async () => {
    carrier.answerWith('refuse');
    const message = await write('Nobody takes this');
    const receipt = await until(() => receiptOf(message), 'a receipt');
    carrier.answerWith('accept');
    expect([receipt.status, [21211, 21212, 30008].includes(receipt.error_code)]).toEqual(['failed', true]);
    const { attempts } = await caller.get<{ attempts: { carrier_code: string | null }[] }>(`/v1/Queues/Deliveries/${receipt.sid}`);
    expect(attempts.map(({ carrier_code }) => carrier_code)).toEqual([expect.stringMatching(refusals[name])]);
  });
  it('brings what people write once, and nothing that somebody else signed', async () => {
    const webhook = carrier.message({ id: randomUUID(), text: 'Thank you 👋' });
    expect(await Promise.all([1, 2].map(() => tell(webhook)))).toEqual([200, 200]);
    expect([401, 403]).toContain(await tell(carrier.forged(carrier.message({ id: randomUUID(), text: 'send gift cards' }))));
    await tell(carrier.message({ id: randomUUID(), text: 'really' }));
    await until(async () => (await texts()).includes('really'), 'it is in the conversation');
    expect((await texts()).filter((text) => text?.startsWith('Thank') || text?.startsWith('send'))).toEqual(['Thank you 👋']);
  });
  it('is not asked for people who said stop', async () => {
    const before = played.taken.length;
    await tell(carrier.message({ id: randomUUID(), text: 'Stop.' }));
    await until(async () => (await texts()).includes('Stop.'), 'the keyword is in the conversation');
    const refused = await write('One more thing');
    expect(await until(() => receiptOf(refused), 'a receipt')).toMatchObject({ status: 'failed', error_code: 21610 });
    expect(played.taken.slice(before).filter(({ body }) => body.includes('One more thing'))).toEqual([]);
  });
});
