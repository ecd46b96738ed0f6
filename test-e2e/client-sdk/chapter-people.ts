/** What people know of each other: who types, who has read how far, names and attributes, who can be reached; and what roles forbid. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { accessToken } from '../../tools/bench/access-token.ts';
import { of, rejection, type Cast, type Shared } from './cast.ts';
import { SdkClient } from './sdk-client.ts';
import { until } from './steps.ts';

export async function typing({ step, alice, bob, name }: Cast, { hers }: Shared): Promise<void> {
  await step('bob sees alice typing', async () => {
    await hers.typing();
    assert.equal((await bob.next('typingStarted')).identity, name('alice'));
  });
  await step('her message ends it', async () => {
    await hers.sendMessage('typed');
    await bob.next('messageAdded', ({ body }) => body === 'typed');
    assert.equal((await bob.next('typingEnded')).identity, name('alice'));
  });
  await step('she is not told of her own typing', () => assert.deepEqual(alice.seen.filter(({ event }) => event.startsWith('typing')), []));
}

export async function reading({ step, alice, name }: Cast, { hers, his }: Shared): Promise<void> {
  const last: number = (await his.getMessages(1)).items[0].index;
  await step('who has read nothing has no number of unread messages', async () => assert.equal(await his.getUnreadMessagesCount(), null));
  await step('bob has read all but two, alice sees it', async () => {
    assert.equal(await his.updateLastReadMessageIndex(last - 2), 2);
    const { participant, updateReasons } = await alice.next('participantUpdated', (each) => each.updateReasons.includes('lastReadMessageIndex'));
    assert.deepEqual(of(participant, 'identity', 'lastReadMessageIndex'), { identity: name('bob'), lastReadMessageIndex: last - 2 });
    assert.ok(updateReasons.includes('lastReadTimestamp') && Date.now() - participant.lastReadTimestamp < 600_000, 'and when');
  });
  await step('two are unread', async () => {
    await until(() => his.lastReadMessageIndex === last - 2, 'his own horizon moves');
    await until(async () => (await his.getUnreadMessagesCount()) === 2, 'two are unread'); // the SDK keeps an answer for half a second
  });
  await step('having read as far once more is no event, or an application that answers events so would never end', async () => {
    alice.seen.length = 0;
    assert.equal(await his.updateLastReadMessageIndex(last - 2), 2);
    await hers.sendMessage('after that');
    await alice.next('messageAdded', ({ body }) => body === 'after that');
    assert.equal(await his.updateLastReadMessageIndex(last - 1), 2);
    await alice.next('participantUpdated', ({ participant }) => participant.lastReadMessageIndex === last - 1);
    assert.deepEqual(alice.all('participantUpdated'), []);
    assert.equal(await his.updateLastReadMessageIndex(last - 2), 3);
    await until(() => his.lastReadMessageIndex === last - 2, 'he has read less');
  });
  await step('the horizon does not go back by advancing it', async () => assert.equal(await his.advanceLastReadMessageIndex(1), 3));
  await step('all are read', async () => {
    assert.equal(await his.setAllMessagesRead(), 0);
    await until(() => his.lastReadMessageIndex === last + 1, 'all is read');
  });
  await step('none is read again', async () => {
    await his.setAllMessagesUnread();
    await until(() => his.lastReadMessageIndex === null, 'nothing is read');
  });
}

export async function changes({ step, alice, bob, name }: Cast, { hers, his }: Shared): Promise<void> {
  const reason = (wanted: string) => ({ updateReasons }: any) => updateReasons.includes(wanted);
  await step('another name of the conversation', async () => {
    const since = +his.state.dateUpdated;
    await hers.updateFriendlyName('Coffee');
    const { conversation, updateReasons } = await bob.next('conversationUpdated', reason('friendlyName'));
    assert.deepEqual([conversation.friendlyName, [...updateReasons].sort()], ['Coffee', ['dateUpdated', 'friendlyName']]);
    assert.equal(+his.state.dateUpdated, since, 'it has been active as long');
  });
  await step('other attributes of it', async () => {
    await hers.updateAttributes({ topic: 'coffee', list: [1, { a: null }] });
    await bob.next('conversationUpdated', reason('attributes'));
    assert.deepEqual(his.attributes, { topic: 'coffee', list: [1, { a: null }] });
    for (const each of ['a text', '"quoted"', 7, null, { topic: 'coffee' }]) {
      await hers.updateAttributes(each);
      await until(() => JSON.stringify(his.attributes) === JSON.stringify(each), () => `${JSON.stringify(each)}, not ${JSON.stringify(his.attributes)}`);
    }
  });
  await step('another unique name, and none', async () => {
    await hers.updateUniqueName(name('coffee'));
    await until(() => his.uniqueName === name('coffee'), 'the name is known');
    await hers.updateUniqueName(null);
    await until(() => his.uniqueName === null, 'the name is gone');
  });
  await step('bob wants to be left alone in it', async () => {
    await his.setUserNotificationLevel('muted');
    await until(() => his.notificationLevel === 'muted', 'he is left alone');
    assert.equal(hers.notificationLevel, 'default');
  });
  await step('attributes of a participant', async () => {
    await (await his.getParticipantByIdentity(name('bob'))).updateAttributes({ seat: 2 });
    assert.deepEqual((await alice.next('participantUpdated', reason('attributes'))).participant.attributes, { seat: 2 });
  });
  const known = await step('alice looks at bob as a user', async () => {
    const known = await alice.sdk.getUser(name('bob'));
    assert.equal(known.identity, name('bob'));
    assert.equal(await (await hers.getParticipantByIdentity(name('bob'))).getUser(), known);
    return known;
  });
  const ofBob = (wanted: string) => ({ user, updateReasons }: any) => user.identity === name('bob') && updateReasons.includes(wanted);
  await step('bob takes another name, alice hears of it', async () => {
    await bob.sdk.user.updateFriendlyName('Bob');
    await alice.next('userUpdated', ofBob('friendlyName'));
    assert.equal(known.friendlyName, 'Bob');
  });
  await step('and other attributes', async () => {
    await bob.sdk.user.updateAttributes({ likes: 'coffee' });
    await alice.next('userUpdated', ofBob('attributes'));
    assert.deepEqual(known.attributes, { likes: 'coffee' });
  });
}

export async function reachability(cast: Cast): Promise<void> {
  const { step, alice, name } = cast;
  const third = await SdkClient.start(cast, name('third'));
  const user = await step('who is connected can be reached', async () => {
    const user = await alice.sdk.getUser(name('third'));
    await until(() => user.isOnline === true, 'he is online');
    return user;
  });
  await step('who goes cannot', async () => {
    await third.stop();
    await alice.next('userUpdated', (each) => each.user.identity === name('third') && each.updateReasons.includes('reachabilityOnline') && each.user.isOnline === false);
    assert.equal(user.isOnline, false);
  });
}

export async function push(cast: Cast): Promise<void> {
  const { step, access, rest, name } = cast;
  const private_key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const account = { type: 'service_account', project_id: 'acceptance', client_email: 'acceptance@example.com', private_key, token_uri: 'http://nowhere.invalid' };
  const { sid } = await rest.post<{ sid: string }>('/v1/Credentials', { Type: 'fcm', FriendlyName: name('phones'), Secret: JSON.stringify(account) });
  const phone = await SdkClient.start(cast, name('phone'), accessToken(access, name('phone'), undefined, { push_credential_sid: sid }));
  const kept = async () => (await rest.get<{ bindings: { binding_type: string; credential_sid: string }[] }>(`/v1/Services/${access.serviceSid}/Bindings?Identity=${encodeURIComponent(name('phone'))}`)).bindings;
  await step('a phone registers for push', async () => {
    await phone.sdk.setPushRegistrationId('fcm', name('device').replaceAll(' ', '-'));
    const [binding] = await until(async () => { const all = await kept(); return all.length > 0 && all; }, 'it is kept');
    assert.deepEqual(of(binding, 'binding_type', 'credential_sid'), { binding_type: 'fcm', credential_sid: sid });
  });
  await step('and takes it back', async () => {
    await phone.sdk.unsetPushRegistrationId('fcm');
    await until(async () => (await kept()).length === 0, 'it is gone');
  });
  await phone.stop();
}

export async function roles({ step, bob, name }: Cast, { hers, his }: Shared): Promise<void> {
  const forbidden = async (call: Promise<unknown>) => {
    const { status, body } = await rejection(call);
    assert.deepEqual([status, body.status, body.code], [403, 403, 50107]);
  };
  await step('bob may not rename the conversation', () => forbidden(his.updateFriendlyName('mine')));
  await step('nor change its attributes', () => forbidden(his.updateAttributes({ mine: true })));
  await step('nor edit the words of others', async () => forbidden((await his.getMessages(1)).items[0].updateBody('other words')));
  await step('nor delete their messages', async () => forbidden((await his.getMessages(1)).items[0].remove()));
  await step('nor remove alice', () => forbidden(his.removeParticipant(name('alice'))));
  await step('nor delete the conversation', () => forbidden(his.delete()));
  await step('nor change who another user is', async () => forbidden((await bob.sdk.getUser(name('alice'))).updateFriendlyName('not Alice')));
  await step('nobody is brought in twice', async () => {
    const { status, body } = await rejection(hers.add(name('bob')));
    assert.deepEqual([status, body.code], [409, 50433]);
  });
}
