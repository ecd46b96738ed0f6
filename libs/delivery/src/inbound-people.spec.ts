/** People with several names, their windows, corrections and moves, in a real database. */
import type { InboundMessage } from '@parley/channel/inbound-event';
import type { InboundChange, RouterCommands } from '@parley/contracts/commands';
import { newSid } from '@parley/domain/sid';
import { Contacts } from './contacts.js';
import { DeliveryBench } from './delivery.testing.js';
import { InboundPeople, UNSUPPORTED_TEXT } from './inbound-people.js';
import { optOut } from './opt-outs.js';

const ours = 'whatsapp:+15550100100';
const received = '2026-11-22T12:00:00.000Z';
let bench: DeliveryBench;
let people: InboundPeople;
let changes: InboundChange[];
beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(async () => {
  await bench.clear();
  changes = [];
  people = new InboundPeople(bench.db.pool, { changeInbound: async (_account, change) => void changes.push(change) } as Pick<RouterCommands, 'changeInbound'> as RouterCommands);
});

const wrote = (from: string, more: Partial<InboundMessage> = {}): InboundMessage =>
  ({ channel: 'whatsapp', kind: 'message', from, to: ours, providerMessageId: 'wamid.1', text: 'hi', media: [], inReplyTo: null, ...more });
const bound = (address: string) => bench.db.pool.query(
  'insert into model.address_binding (account, address, proxy_address, conversation_sid, participant_sid) values ($1, $2, $3, $4, $5)', [bench.account, address, ours, newSid('CH'), newSid('MB')]);
const understand = (event: InboundMessage) => people.understand(bench.account, event, received);
const windows = async () => (await bench.db.pool.query<{ recipient: string; at: Date }>(
  `select recipient, to_char(last_inbound_at at time zone 'utc', 'HH24:MI') as at from delivery.reply_window where account = $1 order by recipient`, [bench.account])).rows;

it('a person who hides their number is found by it, once both were seen together', async () => {
  await bound('whatsapp:+15550100002');
  expect(await understand(wrote('whatsapp:+15550100002', { externalUserId: 'US.2' }))).toMatchObject({ from: 'whatsapp:+15550100002' });
  expect(await understand(wrote('whatsapp:US.2', { externalUserId: 'US.2' }))).toMatchObject({ from: 'whatsapp:+15550100002' });
  expect(await understand(wrote('whatsapp:US.3', { externalUserId: 'US.3' }))).toMatchObject({ from: 'whatsapp:US.3' });
});
it('businesses of one group know a person by the id they share', async () => {
  await bound('whatsapp:+15550100002');
  const group = { attributes: { whatsapp: { parentUserId: 'US.ENT.1' } } };
  await understand(wrote('whatsapp:+15550100002', { externalUserId: 'US.2', ...group }));
  expect(await understand(wrote('whatsapp:US.7', { externalUserId: 'US.7', ...group }))).toMatchObject({ from: 'whatsapp:+15550100002' });
});
it('a number that is written otherwise there is the same person', async () => {
  await bound('whatsapp:+525550100003');
  await new Contacts(bench.db.pool).note({ account: bench.account, channel: 'whatsapp' }, ['whatsapp:+525550100003', 'whatsapp:+5215550100003']);
  expect(await understand(wrote('whatsapp:+5215550100003'))).toMatchObject({ from: 'whatsapp:+525550100003' });
});
it('accounts know people each for themselves', async () => {
  await new Contacts(bench.db.pool).note({ account: newSid('AC'), channel: 'whatsapp' }, ['whatsapp:US.2', 'whatsapp:+15550100002']).catch(() => undefined);
  await bound('whatsapp:+15550100002');
  expect(await understand(wrote('whatsapp:US.2', { externalUserId: 'US.2' }))).toMatchObject({ from: 'whatsapp:US.2' });
});
it('the window opens for all their names, and only forward', async () => {
  await understand(wrote('whatsapp:+15550100002', { externalUserId: 'US.2', sentAt: '2026-11-22T11:00:00.000Z' }));
  await understand(wrote('whatsapp:+15550100002', { externalUserId: 'US.2', sentAt: '2026-11-22T10:00:00.000Z' }));
  await understand(wrote('whatsapp:+15550100002', { kind: 'echo', sentAt: received }));
  expect(await windows()).toEqual([{ recipient: 'whatsapp:+15550100002', at: '11:00' }, { recipient: 'whatsapp:US.2', at: '11:00' }]);
});
it('many at once from one person are one contact', async () => {
  await Promise.all(Array.from({ length: 10 }, (_, i) => understand(wrote(i % 2 === 0 ? 'whatsapp:+15550100002' : 'whatsapp:US.2', { externalUserId: 'US.2' }))));
  const { rows } = await bench.db.pool.query('select distinct contact from delivery.contact_address where account = $1', [bench.account]);
  expect(rows).toHaveLength(1);
});

describe('a message of theirs', () => {
  const conversationSid = newSid('CH');
  const messageSid = newSid('IM');
  const routed = (from = 'whatsapp:+15550100002') => people.routed(bench.account, wrote(from), from, { outcome: 'routed', conversationSid, messageSid, index: 0, created: false });
  const change = (more: object, from = 'whatsapp:+15550100002') => people.change(bench.account, 'whatsapp-cloud', { channel: 'whatsapp', from, to: ours, providerMessageId: 'wamid.9', ...more } as Parameters<InboundPeople['change']>[2]);

  it('is named by our SID when it is answered or reacted to', async () => {
    await routed();
    const { attributes } = await understand(wrote('whatsapp:+15550100002', { inReplyTo: 'wamid.1', buttonPayload: 'y' }));
    expect(JSON.parse(attributes!)).toEqual({ whatsapp: { inReplyTo: { messageSid }, buttonPayload: 'y' } });
    const reaction = await understand(wrote('whatsapp:+15550100002', { kind: 'reaction', text: '👍', inReplyTo: 'wamid.1', attributes: { whatsapp: { reaction: { emoji: '👍' } } } }));
    expect(JSON.parse(reaction.attributes!)).toEqual({ whatsapp: { reaction: { messageSid, emoji: '👍' } } });
  });
  it('can be corrected and taken back by them, under any of their names', async () => {
    await routed();
    await understand(wrote('whatsapp:+15550100002', { externalUserId: 'US.2' }));
    expect(await change({ kind: 'edit', editedMessageId: 'wamid.1', text: 'new' })).toBe('done');
    expect(await change({ kind: 'delete', deletedMessageId: 'wamid.1' }, 'whatsapp:US.2')).toBe('done');
    expect(changes).toEqual([
      { key: 'whatsapp-cloud:wamid.9', channel: 'whatsapp', kind: 'edited', conversationSid, messageSid, body: 'new' },
      { key: 'whatsapp-cloud:wamid.9', channel: 'whatsapp', kind: 'deleted', conversationSid, messageSid },
    ]);
  });
  it('not by others, and not before it is known', async () => {
    expect(await change({ kind: 'delete', deletedMessageId: 'wamid.1' })).toBe('unmatched');
    await routed();
    expect(await change({ kind: 'delete', deletedMessageId: 'wamid.1' }, 'whatsapp:+15550100009')).toBe('done');
    expect(changes).toEqual([]);
  });
  it('marketing is refused under all of their names, and a refusal of everything stays when it is allowed again', async () => {
    await understand(wrote('whatsapp:+15550100002', { externalUserId: 'US.2' }));
    const refusals = async () => (await bench.db.pool.query<{ recipient: string; reason: string }>('select recipient, reason from delivery.opt_out where account = $1 order by recipient', [bench.account])).rows;
    const marketing = (allowed: boolean) => change({ kind: 'system', change: 'marketing', allowed }, 'whatsapp:US.2');
    await marketing(false);
    expect(await refusals()).toEqual(['whatsapp:+15550100002', 'whatsapp:US.2'].map((recipient) => ({ recipient, reason: 'marketing' })));
    expect(await optOut(bench.db.pool, { account: bench.account, channel: 'whatsapp', sender: ours, recipient: 'whatsapp:+15550100002' }, 'agent')).toBe(true);
    await marketing(false);
    await marketing(true);
    expect(await refusals()).toEqual([{ recipient: 'whatsapp:+15550100002', reason: 'agent' }]);
  });
  it('a new number takes window and refusals along, and the old one is nobody\'s', async () => {
    await understand(wrote('whatsapp:+15550100002', { externalUserId: 'US.2' }));
    await bench.db.pool.query('insert into delivery.opt_out (account, channel, sender, recipient) values ($1, $2, $3, $4)', [bench.account, 'whatsapp', ours, 'whatsapp:+15550100002']);
    await change({ kind: 'system', change: 'address_changed', newAddress: 'whatsapp:+15550100022' });
    expect(changes).toMatchObject([{ kind: 'moved', from: 'whatsapp:+15550100002', to: ours, newAddress: 'whatsapp:+15550100022' }]);
    expect((await windows()).map(({ recipient }) => recipient)).toContain('whatsapp:+15550100022');
    const { rows } = await bench.db.pool.query<{ address: string }>('select address from delivery.contact_address where account = $1 order by address', [bench.account]);
    expect(rows.map(({ address }) => address)).toEqual(['whatsapp:+15550100022', 'whatsapp:US.2']);
    expect((await bench.db.pool.query('select 1 from delivery.opt_out where account = $1 and recipient = $2', [bench.account, 'whatsapp:+15550100022'])).rowCount).toBe(1);
  });
});

it('what cannot be shown has a placeholder', async () =>
  expect(await understand(wrote('whatsapp:+15550100002', { kind: 'unsupported', text: null }))).toMatchObject({ body: UNSUPPORTED_TEXT }));
it('other channels pass through', async () => expect(await understand({ ...wrote('+15550100002'), channel: 'sms', to: '+15550100001' })).toEqual({ from: '+15550100002', body: 'hi' }));
