/** The commands on connections, senders, services, refusals and queues, on a real database. */
import { receiptSidOf } from '@parley/domain/delivery/receipt-sid';
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { connectionsGroup, messagingServicesGroup, optOutsGroup, sendersGroup } from './channel-commands.js';
import { queuesGroup } from './queue-commands.js';
import { routingGroup } from './routing-commands.js';
import { understand, type Group } from './command-group.js';
import type { Databases } from './new-account.js';

let db: TestDatabase;
const account = newSid('AC');
beforeAll(async () => {
  db = await testDatabase();
  await db.pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [account, Buffer.from('x')]);
});
afterAll(async () => {
  delete process.env['CARRIER_CREDENTIALS'];
  await db.drop();
});
const groups = [connectionsGroup, sendersGroup, messagingServicesGroup, optOutsGroup, queuesGroup, routingGroup];
const run = async (name: string, ...args: string[]): Promise<any[]> =>
  understand(groups.find((group) => group.name === name) as Group<Databases>, args)!(db as unknown as Databases);

it('a connection, its senders and their pool are made, listed, changed and removed', async () => {
  process.env['CARRIER_CREDENTIALS'] = JSON.stringify({ accountSid: newSid('AC'), authToken: 'secret' });
  const [{ sid: connection }] = await run('connections', 'create', account, 'twilio', '--name=Ours', '--settings={"baseUrl":"http://127.0.0.1:1"}');
  const listed = await run('connections', 'list', account);
  expect(listed).toMatchObject([{ sid: connection, carrier: 'twilio', friendlyName: 'Ours' }]);
  expect(JSON.stringify(listed)).not.toContain('secret');
  const [sender] = await run('senders', 'create', account, connection, '+15550100001', '--rate=2.5', '--cap=100', '--policy={"regions":["+1"]}');
  expect(sender).toMatchObject({ channel: 'sms', rate: 2.5, dailyCap: 100, policy: { regions: ['+1'] } });
  expect(await run('senders', 'update', account, sender.sid, '--policy={"regions":["+1"],"recipient_rate":{"every_seconds":2}}')).toMatchObject([{ policy: { recipient_rate: { every_seconds: 2 } } }]);
  await expect(run('senders', 'update', account, sender.sid, '--policy={"recipient_rate":{"every_seconds":"2"}}')).rejects.toThrow(/recipient_rate: every_seconds/);
  expect(await run('senders', 'update', account, sender.sid, '--rate=none')).toMatchObject([{ rate: null, dailyCap: 100, capabilities: null }]);
  for (const [given, is] of [['mms,group', ['mms', 'group']], ['none', []], ['any', null]] as const)
    expect(await run('senders', 'update', account, sender.sid, `--capabilities=${given}`)).toMatchObject([{ capabilities: is }]);
  const [{ sid: service }] = await run('messaging-services', 'create', account, 'Support');
  expect(await run('messaging-services', 'add', account, service, sender.sid)).toMatchObject([{ address: '+15550100001', place: 0 }]);
  expect(await run('messaging-services', 'senders', account, service)).toHaveLength(1);
  expect(await run('messaging-services', 'update', account, service, '--sticky=false')).toMatchObject([{ friendlyName: 'Support', sticky: false }]);
  await expect(run('connections', 'delete', account, connection)).rejects.toMatchObject({ name: 'CommandError' });
  expect(await run('senders', 'delete', account, sender.sid)).toEqual([{ senderSid: sender.sid, deleted: true }]);
  expect(await run('messaging-services', 'senders', account, service)).toEqual([]);
  expect(await run('connections', 'delete', account, connection)).toEqual([{ connectionSid: connection, deleted: true }]);
  expect((await run('connections', 'carriers')).map(({ name }) => name)).toEqual(expect.arrayContaining(['twilio', 'simulator']));
});
it('a refusal is added and taken back; a queue shows what waits', async () => {
  const [refusal] = await run('opt-outs', 'add', account, '+15550100001', '+15550100002');
  expect(refusal).toMatchObject({ reason: 'agent', recipient: '+15550100002' });
  expect(await run('opt-outs', 'list', account, '--recipient=+15550100002')).toEqual([refusal]);
  expect(await run('opt-outs', 'remove', account, refusal.sid)).toEqual([{ removed: true }]);
  expect(await run('opt-outs', 'list', account)).toEqual([]);
  expect([await run('queues', 'list', account), await run('queues', 'dead-letters', account)]).toEqual([[], []]);
});
it('what waits is shown delivery by delivery, also by its message', async () => {
  const [message, sid] = [newSid('IM'), newSid('MB')];
  const delivery = receiptSidOf(message, sid);
  await db.pool.query(
    `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline)
     values ($1, $2, $3, $4, 0, $5, 'sms', '+15550100001', '+15550100002', now())`, [delivery, account, newSid('CH'), message, sid]);
  const [shown] = await run('queues', 'delivery', account, delivery);
  expect(shown).toMatchObject({ sid: delivery, state: 'queued', attempts: [] });
  for (const args of [[], [`--message=${message}`], ['--sender=+15550100001']]) expect(await run('queues', 'deliveries', account, ...args)).toEqual([shown]);
  for (const args of [[`--message=${newSid('IM')}`], ['--sender=+15550100009']]) expect(await run('queues', 'deliveries', account, ...args)).toEqual([]);
});
it('a routing policy is set, replaced and removed', async () => {
  const conversation = newSid('CH');
  await db.pool.query(`insert into model.conversation select * from jsonb_populate_record(null::model.conversation, $1)`, [{
    sid: conversation, account, chat_service_sid: 'IS', attributes: '{}', state: 'active', last_activity_at: '2026-01-01T00:00:00Z', created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z',
  }]);
  const [own] = await run('routing', 'set', account, '{"media":"link"}', `--conversation=${conversation}`);
  const [first] = await run('routing', 'set', account, '{"media":"refuse"}');
  const [second] = await run('routing', 'set', account, '{"long_text":"split"}');
  expect([first, second]).toMatchObject([{ conversation: null, policy: { media: 'refuse' } }, { sid: first.sid, policy: { long_text: 'split' } }]);
  expect(await run('routing', 'list', account)).toEqual([own, second]);
  expect(await run('routing', 'remove', account)).toEqual([{ policySid: first.sid, removed: true }]);
  expect(await run('routing', 'list', account)).toEqual([own]);
});
it.each([
  ['routing', 'set', account, '{'], ['routing', 'set', account, '{"moon":1}'], ['routing', 'set', account, '{}', `--conversation=${newSid('CH')}`], ['routing', 'remove', account],
  ['routing', 'set', account, `{"fallback":{"ways":[{"template":"${newSid('HX')}"}]}}`], ['queues', 'delivery', account, newSid('DY')], ['senders', 'update', account, newSid('XE'), '--capabilities=fax'],
  ['connections', 'create', account, 'pigeon'], ['connections', 'create', account, 'twilio', '--settings=[]'], ['senders', 'create', account, newSid('CX'), '+15550100001'],
  ['senders', 'create', account, newSid('CX'), '+15550100001', '--rate=0'], ['senders', 'create', account, newSid('CX'), '+15550100001', '--policy={"x":1}'],
  ['senders', 'create', account, newSid('CX'), '+15550100001', '--rate=1e9'], ['senders', 'create', account, newSid('CX'), '+15550100001', '--rate=1e-9'], ['senders', 'create', account, newSid('CX'), '+15550100001', '--cap=99999999999'],
  ['senders', 'update', account, newSid('XE'), '--policy={"opt_out":{"stop":"\\u0000"}}'], ['senders', 'update', account, newSid('XE'), '--rate='], ['connections', 'create', account, 'simulator', `--name=${'n'.repeat(65)}`],
  ['connections', 'create', account, 'simulator', '--settings={"a":"\\u0000"}'], ['messaging-services', 'create', account, 'n'.repeat(65)], ['messaging-services', 'create', account, ''],
  ['messaging-services', 'add', account, newSid('MG'), newSid('XE'), '100001'], ['routing', 'set', account, '{"fallback":{"ways":[{"sender":"\\u0000"}]}}'], ['routing', 'set', account, 'null'],
  ['senders', 'delete', account, 'XE'], ['opt-outs', 'add', account, '+15550100001', 'whatsapp:+15550100002'], ['messaging-services', 'add', account, newSid('MG'), newSid('XE')],
])('%s %s %s %s says what is wrong', async (...args) => {
  await expect((async () => run(...(args as [string, ...string[]])))()).rejects.toMatchObject({ name: expect.stringMatching(/^(Usage|Command)Error$/) });
});
