/** The official client SDK: files of messages, receipts of people on SMS, who can be reached, push, and a user with a thousand conversations. */
import { Parley, START_MS, topology, until } from './installation.js';
import { SdkClient, sdkVersions } from './sdk-client.js';

const STORY_MS = 180_000;
const MANY = 1_000;
let parley: Parley;
beforeAll(async () => { parley = await Parley.start(); }, START_MS);
afterAll(() => parley?.stop(), START_MS);

describe.each(sdkVersions)(`the official client %s (${topology})`, (version) => {
  const name = (who: string) => `${who} ${version}`;
  const conversations = () => parley.sdk().conversations.v1.conversations;
  let alice: SdkClient;
  let bob: SdkClient;
  beforeAll(async () => {
    await parley.sdk().conversations.v1.services(parley.account.serviceSid).configuration().update({ reachabilityEnabled: true });
    alice = await SdkClient.start(parley, version, name('alice'));
    bob = await SdkClient.start(parley, version, name('bob'));
  }, START_MS);
  afterAll(async () => {
    await alice?.stop();
    await bob?.stop();
  });

  it('sends and reads files, several in one message', async () => {
    const { sid } = await conversations().create({});
    for (const who of ['alice', 'bob']) await conversations()(sid).participants.create({ identity: name(who) });
    const [hers] = [await alice.conversation(sid), await bob.conversation(sid)];
    await hers.prepareMessage().setBody('two files')
      .addMedia({ contentType: 'text/plain', filename: 'one.txt', media: Buffer.from('the first') })
      .addMedia({ contentType: 'text/plain', filename: 'two.txt', media: Buffer.from('the second one') }).build().send();
    const message = await bob.next('messageAdded', ({ body }) => body === 'two files');
    expect(message.type).toBe('media');
    expect(message.attachedMedia.map(({ filename, contentType, size }: any) => [filename, contentType, size])).toEqual([['one.txt', 'text/plain', 9], ['two.txt', 'text/plain', 14]]);
    const texts = await Promise.all(message.attachedMedia.map(async (media: any) => (await fetch(await media.getContentTemporaryUrl())).text()));
    expect(texts).toEqual(['the first', 'the second one']);
  }, STORY_MS);

  it('shows receipts of those on SMS', async () => {
    const { sid } = await conversations().create({});
    await conversations()(sid).participants.create({ identity: name('alice') });
    const address = `+1555030${version.replaceAll('.', '')}0`;
    await conversations()(sid).participants.create({ 'messagingBinding.address': address, 'messagingBinding.proxyAddress': '+15550100001' });
    const hers = await alice.conversation(sid);
    await hers.sendMessage('by SMS');
    const { message } = await alice.next('messageUpdated', (each) => each.updateReasons.includes('deliveryReceipt') && each.message.aggregatedDeliveryReceipt.sent === 'all');
    expect(message.aggregatedDeliveryReceipt.total).toBe(1);
    const receipts = await message.getDetailedDeliveryReceipts();
    expect(receipts.map(({ messageSid, conversationSid }: any) => [messageSid, conversationSid])).toEqual([[message.sid, sid]]);
  }, STORY_MS);

  it('shows who can be reached', async () => {
    const third = await SdkClient.start(parley, version, name('third'));
    const user = await alice.client.getUser(name('third'));
    await until(async () => user.isOnline === true, 'he is online');
    await third.stop();
    await alice.next('userUpdated', (each) => each.user.identity === name('third') && each.updateReasons.includes('reachabilityOnline') && each.user.isOnline === false);
  }, STORY_MS);

  it('takes push registrations', async () => {
    await alice.client.setPushRegistrationId('fcm', 'a-registration');
    await alice.client.unsetPushRegistrationId('fcm');
  }, STORY_MS);
});

it(`somebody with ${MANY} conversations is ready and hears of each (${topology})`, async () => {
  const conversations = parley.sdk().conversations.v1.conversations;
  const sids: string[] = [];
  while (sids.length < MANY) sids.push(...(await Promise.all(Array.from({ length: 50 }, async () => {
    const { sid } = await conversations.create({});
    await conversations(sid).participants.create({ identity: 'busy' });
    return sid;
  }))));
  const busy = await SdkClient.start(parley, '3.0.1', 'busy');
  try {
    await until(async () => new Set(busy.seen.filter(({ event }) => event === 'conversationJoined').map(({ payload }) => payload.sid)).size === MANY, 'all are joined', 60_000);
    const last = sids.at(-1)!;
    await (await busy.client.getConversationBySid(last)).getMessages(1);
    await until(async () => {
      await conversations(last).messages.create({ body: 'are you there' });
      return busy.added.length > 0;
    }, 'it is told of messages');
  } finally {
    await busy.stop();
  }
}, STORY_MS);
