/** The commands on connections, senders, services, refusals and queues, on a real database. */
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { connectionsGroup, messagingServicesGroup, optOutsGroup, queuesGroup, sendersGroup } from './channel-commands.js';
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
const groups = [connectionsGroup, sendersGroup, messagingServicesGroup, optOutsGroup, queuesGroup];
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
  expect(await run('senders', 'update', account, sender.sid, '--rate=none')).toMatchObject([{ rate: null, dailyCap: 100 }]);
  const [{ sid: service }] = await run('messaging-services', 'create', account, 'Support');
  expect(await run('messaging-services', 'add', account, service, sender.sid)).toMatchObject([{ address: '+15550100001', place: 0 }]);
  expect(await run('messaging-services', 'senders', account, service)).toHaveLength(1);
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
it.each([
  ['connections', 'create', account, 'pigeon'], ['connections', 'create', account, 'twilio', '--settings=[]'], ['senders', 'create', account, newSid('CX'), '+15550100001'],
  ['senders', 'create', account, newSid('CX'), '+15550100001', '--rate=0'], ['senders', 'create', account, newSid('CX'), '+15550100001', '--policy={"x":1}'],
  ['senders', 'delete', account, 'XE'], ['opt-outs', 'add', account, '+15550100001', 'whatsapp:+15550100002'], ['messaging-services', 'add', account, newSid('MG'), newSid('XE')],
])('%s %s %s %s says what is wrong', async (...args) => {
  await expect((async () => run(...(args as [string, ...string[]])))()).rejects.toMatchObject({ name: expect.stringMatching(/^(Usage|Command)Error$/) });
});
