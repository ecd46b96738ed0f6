/** Somebody writes mail, an agent in the chat answers: both ways with files, in one thread, with what mail servers do to it. */
import twilio from 'twilio';
import { Caller } from './caller.js';
import { Parley, START_MS, topology, until } from './installation.js';
import { deliveryReport, MailPeer, sparePort } from './mail-peer.js';

const domain = 'inbox.example.test';
const support = `support@${domain}`;
let parley: Parley;
let sdk: twilio.Twilio;
let caller: Caller;
let peer: MailPeer;
let serial = 0;

beforeAll(async () => {
  parley = await Parley.start();
  sdk = parley.sdk();
  caller = new Caller(parley.account, parley.installation.info);
  const port = await sparePort();
  peer = new MailPeer(port);
  const settings = { domain, host: '127.0.0.1', port: await peer.listen(), tls: 'none', subject: 'Your request', listUnsubscribe: true, authenticationServer: domain, listen: { port } };
  const connection = await caller.post<{ sid: string }>('/v1/CarrierConnections', { Carrier: 'smtp', Settings: JSON.stringify(settings) });
  await caller.post('/v1/Senders', { Address: support, ConnectionSid: connection.sid, Policy: JSON.stringify({ email: { copies: 'join' } }) });
  await caller.post('/v1/Configuration/Addresses', { Type: 'email', Address: support, 'AutoCreation.Enabled': 'true', 'AutoCreation.Type': 'default' });
  await until(() => peer.write('probe@example.com', 'probe@elsewhere.example.test', { text: 'x' }).then(() => false, (error: { responseCode?: number }) => error.responseCode === 550), 'the listener is open');
}, START_MS);
afterAll(async () => {
  await peer?.close();
  await parley?.stop();
}, START_MS);

type Message = { sid: string; index: number; body: string | null; author: string; attributes: string; media: { sid: string; content_type: string; filename: string | null; size: number }[] | null };
const messagesOf = (sid: string) => caller.all<Message>(`/v1/Conversations/${sid}/Messages`, 'messages');
const person = (name: string) => `${name}-${++serial}@example.com`;
const conversationsOf = (address: string) => caller.all<{ conversation_sid: string }>(`/v1/ParticipantConversations?Address=${encodeURIComponent(address)}`, 'conversations');
const conversationOf = async (address: string) => (await until(async () => (await conversationsOf(address))[0], `a conversation with ${address}`)).conversation_sid;
const waitFor = (sid: string, count: number) => until(async () => {
  const all = await messagesOf(sid);
  return all.length >= count && all;
}, `${count} messages`);
const attributes = ({ attributes: json }: Message) => (JSON.parse(json) as { email: Record<string, unknown> }).email;
const receiptOf = (sid: string, message: string, status: string) => until(async () => {
  const [receipt] = await caller.all<{ sid: string; status: string; error_code: number }>(`/v1/Conversations/${sid}/Messages/${message}/Receipts`, 'delivery_receipts');
  return receipt?.status === status && receipt;
}, `a receipt ${status}`);
async function conversationWith(address: string): Promise<string> {
  const { sid } = await sdk.conversations.v1.conversations.create({});
  await sdk.conversations.v1.conversations(sid).participants.create({ 'messagingBinding.address': address, 'messagingBinding.proxyAddress': support });
  return sid;
}
const say = (sid: string, body: string) => sdk.conversations.v1.conversations(sid).messages.create({ author: 'agent', body });

describe(`mail (${topology})`, () => {
  it('comes in with its files and is answered with one, in one thread by the reply address', async () => {
    const ana = person('ana');
    await peer.write(ana, support, {
      from: `Ana <${ana}>`, to: support, subject: 'Order 17', messageId: '<first@example.com>', text: 'Where is it?\n\n-- \nAna', html: '<p>Where is it?</p><script>x</script>',
      attachments: [{ filename: 'bill.pdf', content: Buffer.from('%PDF-1.4\nfake\n'), contentType: 'application/pdf' }],
    });
    const sid = await conversationOf(ana);
    const [first] = (await waitFor(sid, 1)) as [Message];
    expect(first).toMatchObject({ author: ana, body: 'Where is it?' });
    expect(first.media![0]).toMatchObject({ content_type: 'application/pdf', filename: 'bill.pdf', size: 14 });
    expect(attributes(first)).toMatchObject({ subject: 'Order 17', from_name: 'Ana' });
    const media = `/v1/Services/${parley.account.serviceSid}/Media`;
    const html = await until(async () => {
      const { status, text } = await caller.call('GET', `${media}/${attributes(first)['html'] as string}/Content`);
      return status === 200 && text;
    }, 'its HTML is there');
    expect(html).toBe('<p>Where is it?</p>');

    await sdk.conversations.v1.conversations(sid).participants.create({ identity: 'agent' });
    const upload = await fetch(`${parley.url}${media}?Filename=label.txt`, { method: 'POST', body: 'the label', headers: { authorization: caller.authorization, 'content-type': 'text/plain' } });
    const file = (await upload.json()) as { sid: string };
    const answer = await sdk.conversations.v1.conversations(sid).messages.create({ author: 'agent', body: 'Tomorrow.', mediaSid: file.sid });
    const { mail, from } = await peer.mailTo(ana);
    expect(from).toMatch(/^bounce\+im-[0-9a-f]{32}@inbox\.example\.test$/);
    expect(mail).toMatchObject({ subject: 'Re: Order 17', inReplyTo: '<first@example.com>', references: '<first@example.com>' });
    expect(mail.text).toContain('Tomorrow.');
    expect(mail.attachments.map(({ filename, content }) => [filename, content.toString()])).toEqual([['label.txt', 'the label']]);
    await receiptOf(sid, answer.sid, 'sent');

    const reply = mail.replyTo!.value[0]!.address!;
    await peer.write(ana, reply, { from: ana, to: reply, subject: 'AW: Something else', messageId: '<second@example.com>', text: 'Great!\n\nOn Mon, Support <support@inbox.example.test> wrote:\n> Tomorrow.' });
    expect((await waitFor(sid, 3)).at(-1)).toMatchObject({ author: ana, body: 'Great!' });
    await peer.write(ana, reply, { from: ana, to: reply, subject: 'twice', messageId: '<second@example.com>', text: 'twice' });
    await say(sid, 'Anything else?');
    const next = await peer.mailTo(ana, ({ text }) => text!.includes('Anything else?'));
    expect(next.mail).toMatchObject({ subject: 'Re: Something else', inReplyTo: '<second@example.com>' });
    expect(await messagesOf(sid)).toHaveLength(4);
  });

  it('of ours that bounces becomes a receipt, and the address gets no more', async () => {
    const nobody = person('nobody');
    const sid = await conversationWith(nobody);
    const message = await say(sid, 'Hello?');
    const arrived = await peer.mailTo(nobody);
    expect(arrived.mail.subject).toBe('Your request');
    await receiptOf(sid, message.sid, 'sent');
    const before = peer.arrived.length;
    await peer.write(null, arrived.from, deliveryReport(arrived, '5.1.1'));
    const returned = await receiptOf(sid, message.sid, 'undelivered');
    expect(returned.error_code).toBe(30005);
    expect((await caller.get<{ attempts: object[] }>(`/v1/Queues/Deliveries/${returned.sid}`)).attempts).toMatchObject([{ carrier_code: '5.1.1 550 5.1.1 no such user' }]);
    const again = await say(sid, 'Hello again?');
    expect(await receiptOf(sid, again.sid, 'failed')).toMatchObject({ error_code: 21610 });
    expect(peer.arrived).toHaveLength(before);
    expect(await messagesOf(sid)).toHaveLength(2);
  });

  it('may be unsubscribed from by one click', async () => {
    const weary = person('weary');
    const sid = await conversationWith(weary);
    await say(sid, 'News!');
    const { mail } = await peer.mailTo(weary);
    const list = mail.headers.get('list') as unknown as { unsubscribe: { url: string } };
    const url = list.unsubscribe.url;
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url, { method: 'POST', body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }), redirect: 'error' })).status).toBe(200);
    await until(async () => (await caller.all<{ recipient: string; reason: string }>('/v1/OptOuts', 'opt_outs')).some(({ recipient, reason }) => recipient === weary && reason === 'unsubscribe'), 'it is noted');
    expect(await receiptOf(sid, (await say(sid, 'More news!')).sid, 'failed')).toMatchObject({ error_code: 21610 });
  });

  it('finds its conversation by the mail it answers, also from an address it was not written to', async () => {
    const [ben, support2] = [person('ben'), `office@${domain}`];
    const sid = await conversationWith(ben);
    await say(sid, 'One');
    const { mail } = await peer.mailTo(ben);
    await peer.write(ben, support2, { from: ben, to: support2, subject: 'no token', inReplyTo: mail.messageId!, references: mail.messageId!, messageId: `<${ben}>`, text: 'Two' });
    expect((await waitFor(sid, 2)).at(-1)).toMatchObject({ author: ben, body: 'Two' });
  });

  it('of a stranger to somebody else\'s reply address opens a conversation of its own', async () => {
    const [cleo, mallory] = [person('cleo'), person('mallory')];
    const sid = await conversationWith(cleo);
    await say(sid, 'For you alone');
    const reply = (await peer.mailTo(cleo)).mail.replyTo!.value[0]!.address!;
    await peer.write(mallory, reply, { from: mallory, to: reply, subject: 'Fwd: For you alone', text: 'Let me in' });
    const other = await conversationOf(mallory);
    expect(other).not.toBe(sid);
    expect(attributes((await waitFor(other, 1))[0]!)).toMatchObject({ stranger: true, about: sid });
    expect(await messagesOf(sid)).toHaveLength(1);
  });

  it('of a machine is shown as such, of a list not at all, and of ourselves never again', async () => {
    const [dora, emil] = [person('dora'), person('emil')];
    const sid = await conversationWith(dora);
    await sdk.conversations.v1.conversations(sid).participants.create({ 'messagingBinding.address': emil, 'messagingBinding.proxyAddress': support });
    await sdk.conversations.v1.conversations(sid).messages.create({ author: 'bot', body: 'Are you there?', attributes: '{"automatic":true}' });
    const { mail, from } = await peer.mailTo(dora);
    expect(mail.headers.get('auto-submitted')).toBe('auto-replied');
    await peer.write(null, from, { from: dora, to: from, subject: 'Out of office', headers: { 'Auto-Submitted': 'auto-replied' }, inReplyTo: mail.messageId!, text: 'Back on Monday' });
    const [, away] = (await waitFor(sid, 2)) as [Message, Message];
    expect([away.body, attributes(away)['automatic']]).toEqual(['Back on Monday', true]);
    await peer.write(dora, support, { from: dora, to: support, subject: 'News', list: { unsubscribe: 'https://example.com/u' }, headers: { 'List-Id': 'news.example.com' }, text: 'news' });
    await peer.write(dora, support, { from: dora, to: support, subject: 'Circle', headers: { 'X-Conversations-Loop': mail.headers.get('x-conversations-loop') as string }, text: 'again' });
    await peer.write(dora, support, { from: dora, to: support, subject: 'Me', text: 'Here I am' });
    expect((await waitFor(sid, 3)).map(({ body }) => body)).toEqual(['Are you there?', 'Back on Monday', 'Here I am']);
    // Emil's mailbox, which might answer by itself as well, never hears of Dora's.
    await peer.mailTo(emil, ({ text }) => text!.includes('Here I am'));
    expect(peer.arrived.filter(({ to }) => to === emil).map((got) => got.mail.text!.trim())).toEqual(['Are you there?', 'Here I am']);
  });

  it('brings along whom it was also written to', async () => {
    const [eve, fred] = [person('eve'), person('fred')];
    await peer.write(eve, support, { from: eve, to: support, cc: fred, subject: 'We two', text: 'Hi' });
    const sid = await conversationOf(eve);
    expect(await conversationOf(fred)).toBe(sid);
    await say(sid, 'Hi both');
    const [one, other] = await Promise.all([peer.mailTo(eve), peer.mailTo(fred)]);
    expect([one.mail.subject, other.mail.subject]).toEqual(['Re: We two', 'Your request']);
    expect((await messagesOf(sid)).map(({ body }) => body)).toEqual(['Hi', 'Hi both']);
  });

  it('that is not from where it says is shown apart, as its receiving server says', async () => {
    const gina = person('gina');
    const sid = await conversationWith(gina);
    const header = (value: string) => ({ 'Authentication-Results': `${domain}; dmarc=${value} header.from=example.com` });
    await peer.write(gina, support, { from: gina, to: support, subject: 'Pay here', headers: header('fail'), text: 'New account number' });
    await peer.write(gina, support, { from: gina, to: support, subject: 'Me', headers: header('pass'), text: 'Really me' });
    expect((await waitFor(sid, 1)).map(({ body }) => body)).toEqual(['Really me']);
    const conversations = await caller.all<{ sid: string }>('/v1/Conversations', 'conversations');
    const bodies = await Promise.all(conversations.map(async (one) => (await messagesOf(one.sid)).map((message) => ({ ...message, sid: one.sid }))));
    const doubtful = bodies.flat().find(({ body }) => body === 'New account number')!;
    expect(doubtful.sid).not.toBe(sid);
    expect(attributes(doubtful)).toMatchObject({ unverified: true, authentication: { dmarc: 'fail' } });
    expect(await caller.all(`/v1/Conversations/${doubtful.sid}/Participants`, 'participants')).toEqual([]);
  });
});
