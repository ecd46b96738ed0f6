/**
 * An application made with the official client SDK, two people in it, on every version we promise: what each of them does and
 * what the other is told of. Nothing of the SDK is changed but the address it connects to.
 */
import { Parley, START_MS, topology, until } from './installation.js';
import { SdkClient, sdkVersions } from './sdk-client.js';

const STORY_MS = 120_000;
let parley: Parley;
beforeAll(async () => { parley = await Parley.start(); }, START_MS);
afterAll(() => parley?.stop(), START_MS);

/** Jest prints what does not match, and an SDK object leads everywhere. */
const of = (object: any, ...fields: string[]): object => Object.fromEntries(fields.map((field) => [field, object[field]]));
const rejection = async (call: Promise<unknown>): Promise<any> => {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('it was accepted');
};

describe.each(sdkVersions)(`the official client %s (${topology})`, (version) => {
  const name = (who: string) => `${who} ${version}`;
  let alice: SdkClient;
  let bob: SdkClient;
  let hers: any;
  let his: any;

  beforeAll(async () => {
    alice = await SdkClient.start(parley, version, name('alice'));
    bob = await SdkClient.start(parley, version, name('bob'));
  }, START_MS);
  afterAll(async () => {
    await alice?.stop();
    await bob?.stop();
  });

  it('makes a conversation and brings somebody in', async () => {
    hers = await alice.client.createConversation({ friendlyName: 'Tea', uniqueName: name('tea'), attributes: { topic: 'tea' } });
    await hers.join();
    await until(async () => hers.status === 'joined', 'she is in it');
    expect(of(hers, 'friendlyName', 'uniqueName', 'attributes', 'status', 'createdBy')).toEqual({ friendlyName: 'Tea', uniqueName: name('tea'), attributes: { topic: 'tea' }, status: 'joined', createdBy: name('alice') });
    await hers.add(name('bob'), { seat: 1 });
    await alice.next('participantJoined', ({ identity }) => identity === name('bob'));
    his = await bob.conversation(hers.sid);
    expect(of(his, 'sid', 'friendlyName', 'attributes', 'notificationLevel', 'lastReadMessageIndex')).toEqual({ sid: hers.sid, friendlyName: 'Tea', attributes: { topic: 'tea' }, notificationLevel: 'default', lastReadMessageIndex: null });
    expect((await his.getParticipants()).map(({ identity }: any) => identity).sort()).toEqual([name('alice'), name('bob')]);
    expect((await his.getParticipantByIdentity(name('bob'))).attributes).toEqual({ seat: 1 });
    expect((await bob.client.getConversationByUniqueName(name('tea'))).sid).toBe(hers.sid);
    expect((await bob.client.getSubscribedConversations()).items.map(({ sid }: any) => sid)).toContain(hers.sid);
    expect(await his.getParticipantsCount()).toBe(2);
  }, STORY_MS);

  it('sends, edits and deletes messages', async () => {
    expect(await hers.sendMessage('hello', { mood: 'good' })).toBe(0);
    const message = await bob.next('messageAdded', ({ body }) => body === 'hello');
    expect(of(message, 'index', 'author', 'attributes', 'type')).toEqual({ index: 0, author: name('alice'), attributes: { mood: 'good' }, type: 'text' });
    await alice.next('messageAdded', ({ body }) => body === 'hello');
    await until(async () => his.lastMessage?.index === 0, 'the last message is known');
    const own = (await hers.getMessages()).items[0];
    await own.updateBody('hello there');
    expect(of((await bob.next('messageUpdated')).message, 'index', 'body')).toEqual({ index: 0, body: 'hello there' });
    await own.updateAttributes({ mood: 'better' });
    expect((await bob.next('messageUpdated', ({ updateReasons }) => updateReasons.includes('attributes'))).message.attributes).toEqual({ mood: 'better' });
    await his.sendMessage('to be deleted');
    await alice.next('messageAdded', ({ body }) => body === 'to be deleted');
    const mistake = await bob.next('messageAdded', ({ body }) => body === 'to be deleted');
    await mistake.remove();
    expect((await alice.next('messageRemoved')).index).toBe(1);
    expect(await his.sendMessage('after it')).toBe(2);
    await alice.next('messageAdded', ({ body }) => body === 'after it');
    expect((await hers.getMessages()).items.map(({ index }: any) => index)).toEqual([0, 2]);
    expect(await hers.getMessagesCount()).toBe(2);
  }, STORY_MS);

  it('pages through messages in both directions', async () => {
    for (let i = 3; i < 28; i++) await hers.sendMessage(`message ${i}`);
    await bob.next('messageAdded', ({ body }) => body === 'message 27');
    const fresh = await SdkClient.start(parley, version, name('bob'));
    try {
      const again = await fresh.client.getConversationBySid(hers.sid);
      const last = await again.getMessages(10);
      expect(last.items.map(({ index }: any) => index)).toEqual([18, 19, 20, 21, 22, 23, 24, 25, 26, 27]);
      expect([last.hasPrevPage, last.hasNextPage]).toEqual([true, false]);
      const before = await last.prevPage();
      expect(before.items.map(({ index }: any) => index)).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
      const first = await before.prevPage();
      expect(first.items.map(({ index }: any) => index)).toEqual([0, 2, 3, 4, 5, 6, 7]);
      expect(first.hasPrevPage).toBe(false);
      const forward = await again.getMessages(10, 0, 'forward');
      expect(forward.items[0].index).toBe(0);
      expect(forward.items).toHaveLength(10);
      expect((await forward.nextPage()).items.length).toBeGreaterThan(0);
    } finally {
      await fresh.stop();
    }
  }, STORY_MS);

  it('shows who types', async () => {
    await hers.typing();
    expect((await bob.next('typingStarted')).identity).toBe(name('alice'));
    await hers.sendMessage('typed');
    await bob.next('messageAdded', ({ body }) => body === 'typed');
    expect((await bob.next('typingEnded')).identity).toBe(name('alice'));
    expect(alice.seen.filter(({ event }) => event.startsWith('typing'))).toEqual([]);
  }, STORY_MS);

  it('keeps how far everybody has read', async () => {
    expect(await his.getUnreadMessagesCount()).toBeNull();
    expect(await his.updateLastReadMessageIndex(26)).toBe(2);
    const read = await alice.next('participantUpdated', ({ updateReasons }) => updateReasons.includes('lastReadMessageIndex'));
    expect(of(read.participant, 'identity', 'lastReadMessageIndex')).toEqual({ identity: name('bob'), lastReadMessageIndex: 26 });
    await until(async () => his.lastReadMessageIndex === 26, 'his own horizon moves');
    await until(async () => (await his.getUnreadMessagesCount()) === 2, 'two are not read'); // the SDK keeps the last answer for half a second
    expect(await his.advanceLastReadMessageIndex(10)).toBe(2);
    expect(await his.setAllMessagesRead()).toBe(0);
    await until(async () => his.lastReadMessageIndex === 28, 'all is read');
    await his.setAllMessagesUnread();
    await until(async () => his.lastReadMessageIndex === null, 'nothing is read');
  }, STORY_MS);

  it('changes conversations, participants and users', async () => {
    await hers.updateFriendlyName('Coffee');
    expect((await bob.next('conversationUpdated', ({ updateReasons }) => updateReasons.includes('friendlyName'))).conversation.friendlyName).toBe('Coffee');
    await hers.updateAttributes({ topic: 'coffee' });
    await bob.next('conversationUpdated', ({ updateReasons }) => updateReasons.includes('attributes'));
    expect(his.attributes).toEqual({ topic: 'coffee' });
    await hers.updateUniqueName(name('coffee'));
    await until(async () => his.uniqueName === name('coffee'), 'the name is known');
    await his.setUserNotificationLevel('muted');
    await until(async () => his.notificationLevel === 'muted', 'he is left alone');
    const me = await his.getParticipantByIdentity(name('bob'));
    await me.updateAttributes({ seat: 2 });
    expect((await alice.next('participantUpdated', ({ updateReasons }) => updateReasons.includes('attributes'))).participant.attributes).toEqual({ seat: 2 });
    const known = await alice.client.getUser(name('bob'));
    await bob.client.user.updateFriendlyName('Bob');
    await alice.next('userUpdated', ({ user, updateReasons }) => user.identity === name('bob') && updateReasons.includes('friendlyName'));
    expect(known.friendlyName).toBe('Bob');
    await bob.client.user.updateAttributes({ likes: 'coffee' });
    await alice.next('userUpdated', ({ user, updateReasons }) => user.identity === name('bob') && updateReasons.includes('attributes'));
    expect(known.attributes).toEqual({ likes: 'coffee' });
  }, STORY_MS);

  it('is refused what the role does not allow, with the documented code', async () => {
    expect((await rejection(his.updateFriendlyName('mine'))).body).toMatchObject({ code: 50107, status: 403 });
    const theirs = (await his.getMessages(1)).items[0];
    expect((await rejection(theirs.updateBody('other words'))).body).toMatchObject({ code: 50107 });
    expect((await rejection(his.delete())).body).toMatchObject({ code: 50107 });
    expect((await rejection(hers.add(name('bob')))).body).toMatchObject({ code: 50433, status: 409 });
    const stranger = await SdkClient.start(parley, version, name('stranger'));
    expect(await rejection(stranger.client.getConversationBySid(hers.sid))).toBeDefined();
    await stranger.stop();
  }, STORY_MS);

  it('leaves, is removed, and sees conversations go', async () => {
    await his.leave();
    expect((await alice.next('participantLeft')).identity).toBe(name('bob'));
    expect((await bob.next('conversationLeft')).sid).toBe(hers.sid);
    await hers.add(name('bob'));
    await bob.next('conversationJoined', ({ sid }) => sid === hers.sid);
    await hers.removeParticipant(name('bob'));
    await bob.next('conversationLeft', ({ sid }) => sid === hers.sid);
    await hers.add(name('bob'));
    await bob.next('conversationJoined', ({ sid }) => sid === hers.sid);
    await hers.delete();
    expect((await bob.next('conversationRemoved', ({ sid }) => sid === hers.sid)).sid).toBe(hers.sid);
  }, STORY_MS);
});
