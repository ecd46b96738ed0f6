/** Lines that are cut: whatever happened meanwhile is told of once, and in order. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cast, Shared } from './cast.ts';
import { opened } from './sdk-client.ts';
import { until } from './steps.ts';

const CUTS = 4;
const EACH = 12;

export async function breaks(cast: Cast, { hers, his }: Shared): Promise<void> {
  await whileTheyWrite(cast, hers);
  await whileAway(cast, hers, his);
}

async function whileTheyWrite({ step, bob }: Cast, hers: any): Promise<void> {
  bob.seen.length = 0;
  const sent: string[] = [];
  for (let cut = 1; cut <= CUTS; cut++) await step(`alice writes ${EACH} messages while bob's line is cut, the ${cut}. time: he gets each once, in order`, async () => {
    const at = Math.floor(Math.random() * EACH);
    for (let i = 0; i < EACH; i++) {
      if (i === at) bob.cut();
      sent.push(`${cut}-${i}`);
      await hers.sendMessage(`${cut}-${i}`);
    }
    bob.line.mend();
    await until(() => bob.added.length >= sent.length, () => `all of ${sent.length} arrived: ${bob.added.length}`);
    assert.deepEqual(bob.added, sent);
  });
}

async function whileAway({ step, alice, bob, name }: Cast, hers: any, his: any): Promise<void> {
  const aConversation = async () => {
    const made = await alice.sdk.createConversation({});
    await made.join();
    await opened(made);
    return made;
  };
  const [other, toBeDeleted, later] = [await aConversation(), await aConversation(), await aConversation()];
  for (const each of [other, toBeDeleted]) {
    await each.add(name('bob'));
    await bob.opened(each.sid);
  }
  const [edited, deleted] = (await hers.getMessages(2)).items;
  await step('alice changes many things while bob is away', async () => {
    bob.cut();
    await until(() => bob.sdk.connectionState !== 'connected', 'he knows that he is away');
    bob.seen.length = 0;
    await edited.updateBody('changed');
    await deleted.remove();
    await hers.add(name('newcomer'));
    await hers.updateAttributes({ while: 'away' });
    await hers.updateLastReadMessageIndex(edited.index);
    await other.removeParticipant(name('bob'));
    await toBeDeleted.delete();
    await later.add(name('bob'));
    await later.sendMessage('before he came back');
    await pause(Math.random() * 500); // he tries again at times of his own
    bob.line.mend();
  });
  const only = async (event: string, fits: (payload: any) => boolean) => {
    await until(() => bob.all(event).some(fits), () => `${event}, but only ${bob.seen.map((each) => each.event).join()}`);
    return bob.all(event).find(fits);
  };
  await step('bob hears of the edit', async () => assert.equal((await only('messageUpdated', ({ updateReasons }) => updateReasons.includes('body'))).message.body, 'changed'));
  await step('of the deleted message', () => only('messageRemoved', ({ index }) => index === deleted.index));
  await step('of who came', () => only('participantJoined', ({ identity }) => identity === name('newcomer')));
  await step('of the attributes', async () => {
    await only('conversationUpdated', ({ updateReasons }) => updateReasons.includes('attributes'));
    assert.deepEqual(his.attributes, { while: 'away' });
  });
  await step('of how far alice has read', () => only('participantUpdated', ({ participant, updateReasons }) =>
    participant.identity === name('alice') && updateReasons.includes('lastReadMessageIndex') && participant.lastReadMessageIndex === edited.index));
  await step('that he was removed', () => only('conversationLeft', ({ sid }) => sid === other.sid));
  await step('that a conversation was deleted', () => only('conversationRemoved', ({ sid }) => sid === toBeDeleted.sid));
  await step('and of the conversation that he is in now', async () => {
    await only('conversationJoined', ({ sid }) => sid === later.sid);
    assert.deepEqual((await (await bob.sdk.getConversationBySid(later.sid)).getMessages()).items.map(({ body }: any) => body), ['before he came back']);
  });
  await step('of each once, and of no message twice', async () => {
    await hers.sendMessage('after all that');
    await until(() => bob.added.includes('after all that'), 'it goes on');
    assert.deepEqual(bob.added.filter((body) => body !== 'before he came back'), ['after all that']);
    for (const [event, fits] of [
      ['messageUpdated', ({ updateReasons }: any) => updateReasons.includes('body')], ['messageRemoved', () => true], ['participantJoined', ({ identity }: any) => identity === name('newcomer')],
      ['conversationLeft', ({ sid }: any) => sid === other.sid], ['conversationJoined', ({ sid }: any) => sid === later.sid],
    ] as const) assert.equal(bob.all(event).filter(fits).length, 1, event);
  });
}
