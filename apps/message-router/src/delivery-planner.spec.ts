import type { Recipient } from '@parley/domain/conversation/events';
import { receiptSidOf } from '@parley/domain/delivery/receipt-sid';
import type { LogEvent } from '@parley/domain/event';
import { newSid, type ConversationSid, type MessageSid } from '@parley/domain/sid';
import { transaction } from '@parley/event-store/database';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { DeliveryStore } from '@parley/delivery/delivery-store';
import type { Lane } from '@parley/delivery/lane';
import { concernsDeliveries, lanesOf, planDeliveries } from './delivery-planner.js';

let db: TestDatabase;
beforeAll(async () => { db = await testDatabase(); });
afterAll(() => db.drop());
beforeEach(() => db.pool.query('truncate delivery.delivery, delivery.attempt cascade'));

const account = newSid('AC');
const conversation: ConversationSid = newSid('CH');
const ann: Recipient = { participantSid: newSid('MB'), type: 'sms', address: '+15550100002', proxyAddress: '+15550100001' };
const bob: Recipient = { participantSid: newSid('MB'), type: 'whatsapp', address: 'whatsapp:+15550100003', proxyAddress: 'whatsapp:+15550100100' };
let position = 0;
const event = (type: string, data: Record<string, unknown>): LogEvent => ({
  shard: 1, position: ++position, stream: `conversation-${conversation}`, version: position, account, conversation, type,
  schemaVersion: 1, eventId: '', recordedAt: '', data,
});
const added = (index: number, recipients: Recipient[], messageSid: MessageSid = newSid('IM')) =>
  event('MessageAdded', { messageSid, index, recipients });
const plan = (...events: LogEvent[]) => transaction(db.pool, (tx) => planDeliveries(tx, events, 60));
const rows = async () => (await db.pool.query(
  'select delivery_id, account, conversation_sid, message_index, participant_sid, channel, sender, recipient, state from delivery.delivery order by place',
)).rows as Array<Record<string, unknown>>;

describe('planning deliveries', () => {
  it('makes one per recipient, named after message and participant', async () => {
    const message = newSid('IM');
    await plan(added(0, [ann, bob], message));
    expect(await rows()).toEqual([
      {
        delivery_id: receiptSidOf(message, ann.participantSid), account, conversation_sid: conversation, message_index: 0, channel: 'sms',
        participant_sid: ann.participantSid, sender: ann.proxyAddress, recipient: ann.address, state: 'queued',
      },
      expect.objectContaining({ delivery_id: receiptSidOf(message, bob.participantSid), channel: 'whatsapp', recipient: bob.address }),
    ]);
  });
  it('makes one for a group, which names them all', async () => {
    const [message, eve] = [newSid('IM'), { ...ann, participantSid: newSid('MB'), address: '+15550100009' } as Recipient];
    const event_ = added(0, [ann, eve], message);
    await plan({ ...event_, data: { ...event_.data, group: [ann.address, eve.address, '+15550100007'] } });
    const { rows: [row, ...others] } = await db.pool.query('select delivery_id, recipient, group_members from delivery.delivery');
    expect([row, others]).toEqual([{
      delivery_id: receiptSidOf(message, ann.participantSid), recipient: ann.address, group_members: {
        numbers: [ann.address, eve.address, '+15550100007'],
        phones: [ann, eve].map(({ participantSid, address }) => ({ deliveryId: receiptSidOf(message, participantSid), participantSid, recipient: address })),
      },
    }, []]);
  });
  it('makes one that has its place in the order of the group when a single phone is left', async () => {
    const [eve, inGroup] = [{ ...ann, participantSid: newSid('MB'), address: '+15550100009' } as Recipient, (index: number, ...recipients: Recipient[]) => {
      const said = added(index, recipients);
      return { ...said, data: { ...said.data, group: recipients.map(({ address }) => address) } };
    }];
    await db.pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', '\\x00', 'IS') on conflict do nothing", [account]);
    await plan(inGroup(0, ann, eve), inGroup(1, eve)); // Ann left in between
    const store = new DeliveryStore(db.pool, 'one');
    const [first, second] = lanesOf([added(0, [ann, eve])]) as [Lane, Lane];
    expect(await store.claim(second)).toBeUndefined();
    const claim = (await store.claim(first))!;
    expect(await store.claim(second)).toBeUndefined();
    await store.settle({ deliveryId: claim.delivery_id, attempt: claim.attempt, state: 'accepted' });
    expect(await store.claim(second)).toMatchObject({ message_index: 1, group_members: { numbers: [eve.address], phones: [] } });
  });
  it('keeps the order of the log', async () => {
    await plan(...Array.from({ length: 50 }, (_, n) => added(n, [ann])));
    await plan(added(50, [ann]));
    expect((await rows()).map((row) => row['message_index'])).toEqual(Array.from({ length: 51 }, (_, n) => n));
  });
  it('finds its own deliveries when the log is read again', async () => {
    const events = [added(0, [ann, bob]), added(1, [ann])];
    await plan(...events);
    await db.pool.query("update delivery.delivery set state = 'sent'");
    await plan(...events);
    expect((await rows()).map((row) => row['state'])).toEqual(['sent', 'sent', 'sent']);
  });
  it('cancels what is still queued of a deleted message', async () => {
    await plan(added(0, [ann, bob]), added(1, [ann]));
    await db.pool.query("update delivery.delivery set state = 'sending' where channel = 'whatsapp'");
    await plan(event('MessageDeleted', { index: 0 }));
    expect((await rows()).map((row) => row['state'])).toEqual(['cancelled', 'sending', 'queued']);
  });
  it('cancels what is still queued of a deleted conversation, also in the same breath', async () => {
    await plan(added(0, [ann]), event('ConversationDeleted', {}));
    expect((await rows()).map((row) => row['state'])).toEqual(['cancelled']);
  });
  it('fails at once what no app of ours sends', async () => {
    const phone: Recipient = { participantSid: newSid('MB'), type: 'rcs', address: 'rcs:a', proxyAddress: 'rcs:b' };
    await plan(added(0, [phone, ann]));
    const { rows: made } = await db.pool.query('select state, error_code, dead_letter from delivery.delivery order by place');
    expect(made).toEqual([{ state: 'failed', error_code: 63007, dead_letter: true }, { state: 'queued', error_code: 0, dead_letter: false }]);
    expect(lanesOf([added(0, [phone, ann])])).toMatchObject([{ channel: 'sms' }]);
  });
  it('goes by the way a policy knows where no app of ours sends', async () => {
    await db.pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', '\\x00', 'IS') on conflict do nothing", [account]);
    await db.pool.query('insert into delivery.routing_policy (sid, account, policy) values ($1, $2, $3)', [newSid('RP'), account, { fallback: { ways: [{ sender: '+15550100009' }] } }]);
    const rcs: Recipient = { participantSid: newSid('MB'), type: 'rcs', address: 'rcs:+15550100004', proxyAddress: 'rcs:agent' };
    await plan(added(0, [rcs]));
    expect(await rows()).toMatchObject([{ channel: 'sms', sender: '+15550100009', recipient: '+15550100004', state: 'queued' }]);
    await plan(event('ConversationDeleted', {}));
    await db.pool.query("delete from delivery.routing_policy where conversation_sid = ''");
  });
  it('names the lanes to wake, and takes no interest in messages that stay in the chat', () => {
    expect(lanesOf([added(0, [ann, bob]), event('MessageDeleted', { index: 0 })])).toMatchObject([
      { account, channel: 'sms', sender: ann.proxyAddress, recipient: ann.address }, { channel: 'whatsapp' },
    ]);
    expect([added(0, []), added(0, [ann]), event('MessageDeleted', { index: 0 })].map(concernsDeliveries)).toEqual([false, true, true]);
  });
});
