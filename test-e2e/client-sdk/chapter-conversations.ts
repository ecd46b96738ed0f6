/** How two people come to have a conversation: made, joined, found again, counted; and who is kept out of it. */
import assert from 'node:assert/strict';
import { of, rejection, type Cast, type Shared } from './cast.ts';
import { opened, SdkClient } from './sdk-client.ts';
import { until } from './steps.ts';

export async function conversations(cast: Cast): Promise<Shared> {
  const { step, alice, bob, name } = cast;
  await step('both are connected', () => assert.deepEqual([alice.sdk.connectionState, bob.sdk.connectionState], ['connected', 'connected']));
  await step('each is the user of the token', () => assert.deepEqual([alice.sdk.user.identity, bob.sdk.user.identity], [name('alice'), name('bob')]));
  const hers = await step('alice makes a conversation with names and attributes', () =>
    alice.sdk.createConversation({ friendlyName: 'Tea', uniqueName: name('tea'), attributes: { topic: 'tea' } }));
  await step('she joins it', async () => {
    await hers.join();
    await until(() => hers.status === 'joined', 'she is in it');
  });
  await step('it is as she made it', () => assert.deepEqual(of(hers, 'friendlyName', 'uniqueName', 'attributes', 'createdBy'), {
    friendlyName: 'Tea', uniqueName: name('tea'), attributes: { topic: 'tea' }, createdBy: name('alice'),
  }));
  await step('she is alone in it', async () => {
    await opened(hers);
    assert.deepEqual((await hers.getParticipants()).map(({ identity }: any) => identity), [name('alice')]);
  });
  await step('she brings bob in, and hears of it', async () => {
    await hers.add(name('bob'), { seat: 1 });
    assert.deepEqual((await alice.next('participantJoined', ({ identity }) => identity === name('bob'))).attributes, { seat: 1 });
  });
  const his = await step('bob is told that he is in it', () => bob.opened(hers.sid));
  await step('bob sees it as she does', () => assert.deepEqual(of(his, 'sid', 'friendlyName', 'attributes', 'createdBy', 'notificationLevel', 'lastReadMessageIndex'), {
    sid: hers.sid, friendlyName: 'Tea', attributes: { topic: 'tea' }, createdBy: name('alice'), notificationLevel: 'default', lastReadMessageIndex: null,
  }));
  await step('bob sees both participants', async () => {
    assert.deepEqual((await his.getParticipants()).map(({ identity }: any) => identity).sort(), [name('alice'), name('bob')]);
    assert.deepEqual((await his.getParticipantByIdentity(name('bob'))).attributes, { seat: 1 });
    assert.equal(await his.getParticipantsCount(), 2);
  });
  await step('bob finds it by its unique name', async () => assert.equal((await bob.sdk.getConversationByUniqueName(name('tea'))).sid, hers.sid));
  await step('bob finds it by its SID', async () => assert.equal((await bob.sdk.getConversationBySid(hers.sid)).friendlyName, 'Tea'));
  await step('bob finds it among his conversations', async () =>
    assert.ok((await bob.sdk.getSubscribedConversations()).items.some(({ sid }: any) => sid === hers.sid)));
  await step('the unique name is taken for others', async () =>
    assert.equal((await rejection(bob.sdk.createConversation({ uniqueName: name('tea') }))).body.code, 50353));
  await step('a stranger finds it neither by SID nor by name, and cannot look into it', async () => {
    const stranger = await SdkClient.start(cast, name('stranger'));
    await rejection(stranger.sdk.getConversationBySid(hers.sid));
    await rejection(stranger.sdk.getConversationByUniqueName(name('tea')));
    await rejection(stranger.sdk.peekConversationBySid(hers.sid));
    await stranger.stop();
  });
  return { hers, his };
}

/** Leaving, being removed, and conversations that are deleted. Nothing is left of the conversation afterwards. */
export async function partings({ step, alice, bob, name }: Cast, { hers, his }: Shared): Promise<void> {
  const sameOne = ({ sid }: any) => sid === hers.sid;
  await step('bob leaves', async () => {
    await his.leave();
    assert.equal((await alice.next('participantLeft')).identity, name('bob'));
    await bob.next('conversationLeft', sameOne);
  });
  await step('who left sees nothing any more', async () => void await rejection(bob.sdk.getConversationBySid(hers.sid)));
  await step('alice brings him back', async () => {
    await hers.add(name('bob'));
    await bob.opened(hers.sid);
  });
  await step('alice removes him', async () => {
    await hers.removeParticipant(name('bob'));
    await bob.next('conversationLeft', sameOne);
  });
  await step('alice deletes the conversation, and it is gone for both', async () => {
    await hers.add(name('bob'));
    await bob.opened(hers.sid);
    bob.seen.length = 0;
    await hers.delete();
    await bob.next('conversationRemoved', sameOne);
    await alice.next('conversationRemoved', sameOne);
  });
}
