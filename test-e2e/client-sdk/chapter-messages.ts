/** Messages: sent, edited, deleted, paged through, with files, and to somebody outside the chat. */
import assert from 'node:assert/strict';
import { of, PROXY, rejection, type Cast, type Shared } from './cast.ts';
import { opened } from './sdk-client.ts';
import { until } from './steps.ts';

const indexes = (page: any): number[] => page.items.map(({ index }: any) => index);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

export async function messages({ step, alice, bob, name }: Cast, { hers, his }: Shared): Promise<void> {
  const own = await step('alice sends a message, and hears of it herself', async () => {
    assert.equal(await hers.sendMessage('hello', { mood: 'good' }), 0);
    return alice.next('messageAdded', ({ body }) => body === 'hello');
  });
  await step('bob gets it, with author and attributes', async () =>
    assert.deepEqual(of(await bob.next('messageAdded', ({ body }) => body === 'hello'), 'index', 'author', 'attributes', 'type'), {
      index: 0, author: name('alice'), attributes: { mood: 'good' }, type: 'text',
    }));
  await step('the conversation knows its last message', () => until(() => his.lastMessage?.index === 0, 'the last message is known'));
  await step('alice edits its text, bob hears of it', async () => {
    await own.updateBody('hello there');
    assert.deepEqual(of((await bob.next('messageUpdated', ({ updateReasons }) => updateReasons.includes('body'))).message, 'index', 'body'), { index: 0, body: 'hello there' });
  });
  await step('alice edits its attributes, bob hears of it', async () => {
    await own.updateAttributes({ mood: 'better' });
    assert.deepEqual((await bob.next('messageUpdated', ({ updateReasons }) => updateReasons.includes('attributes'))).message.attributes, { mood: 'better' });
  });
  await step('bob deletes a message of his, alice hears of it', async () => {
    await his.sendMessage('a mistake');
    await alice.next('messageAdded', ({ body }) => body === 'a mistake');
    await (await bob.next('messageAdded', ({ body }) => body === 'a mistake')).remove();
    assert.equal((await alice.next('messageRemoved')).index, 1);
  });
  await step('the index of a deleted message is not given out again', async () => {
    assert.equal(await his.sendMessage('after it'), 2);
    await alice.next('messageAdded', ({ body }) => body === 'after it');
    assert.deepEqual(indexes(await hers.getMessages()), [0, 2]);
    assert.equal(await hers.getMessagesCount(), 2);
  });
  await step('twenty-five more arrive in order', async () => {
    for (let i = 3; i < 28; i++) await hers.sendMessage(`message ${i}`);
    await bob.next('messageAdded', ({ body }) => body === 'message 27');
    assert.deepEqual(bob.added.filter((body) => body.startsWith('message ')), range(3, 26).map((i) => `message ${i}`));
  });
  await step('bob pages back from the last to the first', async () => {
    const last = await his.getMessages(10);
    assert.deepEqual([indexes(last), last.hasPrevPage, last.hasNextPage], [range(18, 27), true, false]);
    const before = await last.prevPage();
    assert.deepEqual(indexes(before), range(8, 17));
    const first = await before.prevPage();
    assert.deepEqual([indexes(first), first.hasPrevPage], [[0, 2, 3, 4, 5, 6, 7], false]);
  });
  await step('and forward from the first, and from one in the middle', async () => {
    const forward = await his.getMessages(10, 0, 'forward');
    assert.deepEqual([indexes(forward), forward.hasPrevPage, forward.hasNextPage], [[0, ...range(2, 10)], false, true]);
    assert.deepEqual(indexes(await forward.nextPage()), range(11, 20));
    assert.deepEqual(indexes(await his.getMessages(3, 12, 'forward')), [12, 13, 14]);
  });
}

export async function files({ step, alice, bob }: Cast, { hers }: Shared): Promise<void> {
  const [one, two] = [Buffer.from('the first'), Buffer.from('the second one')];
  await step('alice sends two files and a text in one message', () => hers.prepareMessage().setBody('two files')
    .addMedia({ contentType: 'text/plain', filename: 'one.txt', media: one }).addMedia({ contentType: 'text/plain', filename: 'two.txt', media: two }).build().send());
  const message = await step('bob gets both', async () => {
    const message = await bob.next('messageAdded', ({ body }) => body === 'two files');
    assert.equal(message.type, 'media');
    assert.deepEqual(message.attachedMedia.map(({ filename, contentType, size }: any) => [filename, contentType, size]), [['one.txt', 'text/plain', 9], ['two.txt', 'text/plain', 14]]);
    return message;
  });
  await step('and reads them', async () => {
    const texts = await Promise.all(message.attachedMedia.map(async (media: any) => (await fetch(await media.getContentTemporaryUrl())).text()));
    assert.deepEqual(texts, [String(one), String(two)]);
  });
  await step('and has the addresses of all of them at once', async () => {
    const urls: Map<string, string> = await message.getTemporaryContentUrlsForAttachedMedia();
    assert.equal(new Set(urls.values()).size, 2);
  });
  await step('a single file without text', async () => {
    await hers.sendMessage({ contentType: 'text/plain', filename: 'alone.txt', media: Buffer.from('alone') });
    await alice.next('messageAdded', ({ attachedMedia }) => attachedMedia?.[0]?.filename === 'alone.txt');
  });
}

export async function templates({ step, alice, bob, rest, name }: Cast, { hers }: Shared): Promise<void> {
  const types = { 'twilio/quick-reply': { body: 'Tea, {{1}}?', actions: [{ title: 'Yes', id: 'yes' }] } };
  const { sid } = await rest.postJson<{ sid: string }>('/v1/Content', { friendly_name: name('invitation'), language: 'en', variables: { 1: 'friend' }, types });
  const template = await step('alice finds the content templates of the account', async () => {
    const template = (await alice.sdk.getContentTemplates()).find((each: any) => each.sid === sid);
    assert.deepEqual([template.friendlyName, template.variables.map(({ name, value }: any) => [name, value])], [name('invitation'), [['1', 'friend']]]);
    assert.deepEqual(of(template.variants.get('twilio/quick-reply'), 'type', 'body'), { type: 'quickReply', body: 'Tea, {{1}}?' });
    return template;
  });
  await step('and sends one', async () => {
    await hers.prepareMessage().setContentTemplate(sid, [template.variables[0].copyWithValue('Bob')]).build().send();
    assert.equal((await bob.next('messageAdded', ({ body }) => body === 'Tea, Bob?')).contentSid, sid);
  });
}

export async function receipts({ step, alice, number, name, rest }: Cast): Promise<void> {
  const hers = await alice.sdk.createConversation({});
  await hers.join();
  await opened(hers);
  await step('alice may not bring in somebody from outside the chat', async () => assert.equal((await rejection(hers.addNonChatParticipant(PROXY, number()))).status, 403));
  await step('another role lets her, at once', async () => {
    const permissions = ['addNonChatParticipant', 'sendMessage'];
    const role = await rest.post<{ sid: string }>('/v1/Roles', [['FriendlyName', name('host')], ['Type', 'conversation'], ...permissions.map((each): [string, string] => ['Permission', each])]);
    await rest.post(`/v1/Conversations/${hers.sid}/Participants/${(await hers.getParticipantByIdentity(name('alice'))).sid}`, { RoleSid: role.sid });
    await hers.addNonChatParticipant(PROXY, number(), { from: 'outside' });
    const joined = await alice.next('participantJoined', ({ type }) => type === 'sms');
    assert.deepEqual([joined.identity, joined.attributes], [null, { from: 'outside' }]);
  });
  const message = await step('the receipt for her is counted at the message', async () => {
    await hers.sendMessage('by SMS');
    const { message } = await alice.next('messageUpdated', (each) => each.updateReasons.includes('deliveryReceipt') && each.message.aggregatedDeliveryReceipt.sent === 'all');
    assert.equal(message.aggregatedDeliveryReceipt.total, 1);
    return message;
  });
  await step('and can be seen in detail', async () =>
    assert.deepEqual((await message.getDetailedDeliveryReceipts()).map((each: any) => of(each, 'messageSid', 'conversationSid')), [{ messageSid: message.sid, conversationSid: hers.sid }]));
}
