import { DomainError } from '@parley/domain/domain-error';
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { ServiceRemains } from './service-remains.js';

let db: TestDatabase;
beforeAll(async () => { db = await testDatabase(); });
afterAll(() => db.drop());

const at = '2026-01-01T00:00:00Z';
const [account, service, kept] = [newSid('AC'), newSid('IS'), newSid('IS')];
const common = { account, created_at: at, updated_at: at };
async function put(table: string, row: Record<string, unknown>): Promise<void> {
  await db.pool.query(`insert into model.${table} select * from jsonb_populate_record(null::model.${table}, $1)`, [{ ...common, ...row }]);
}
const tables = ['conversation', 'chat_user', 'push_binding', 'role', 'service_notification', 'webhook_configuration'];

/** Rows of everything a service has. */
async function fill(chat_service_sid: string): Promise<void> {
  for (const n of [1, 2, 3]) {
    await put('conversation', { sid: newSid('CH'), chat_service_sid, attributes: '{}', state: 'active', last_activity_at: at });
    await put('chat_user', { sid: newSid('US'), chat_service_sid, identity: `user ${n}`, attributes: '{}', role_sid: newSid('RL') });
    await put('role', { sid: newSid('RL'), chat_service_sid, friendly_name: `role ${n}`, type: 'service', permissions: [] });
  }
  await put('push_binding', {
    sid: newSid('BS'), chat_service_sid, credential_sid: newSid('CR'), endpoint: 'e', identity: 'user 1', binding_type: 'fcm', message_types: [], address: 'a',
  });
  await put('service_notification', { sid: chat_service_sid, new_message_enabled: true });
  await put('webhook_configuration', { sid: chat_service_sid, method: 'POST', filters: [], target: 'webhook' });
  await put('address_configuration', {
    sid: newSid('IG'), type: 'sms', address: `+1555${chat_service_sid.slice(-7)}`,
    auto_creation: { enabled: true, type: 'default', conversation_service_sid: chat_service_sid },
  });
}
const count = async (sid: string) => {
  const { rows } = await db.pool.query<{ n: number }>(tables.map((table) =>
    `select count(*)::integer as n from model.${table} where $1 in (sid, ${['service_notification', 'webhook_configuration'].includes(table) ? 'sid' : 'chat_service_sid'})`,
  ).join(' union all '), [sid]);
  return rows.map(({ n }) => n);
};

/** What the commands do to the rows. */
const done: string[] = [];
const removeRow = (command: string, table: string) => async (_caller: unknown, sid: string) => {
  done.push(command);
  await db.pool.query(`delete from model.${table} where sid = $1`, [sid]);
};
const tableOf: Record<string, string> = {
  PushBinding: 'push_binding', Role: 'role', ServiceNotification: 'service_notification', WebhookConfiguration: 'webhook_configuration',
};
const remains = () => new ServiceRemains(
  db.pool, { deleteConversation: removeRow('deleteConversation', 'conversation') },
  {
    deleteUser: removeRow('deleteUser', 'chat_user'),
    updateAddressConfiguration: async (_caller, sid, { autoCreation }) => {
      await db.pool.query('update model.address_configuration set auto_creation = $2 where sid = $1', [sid, autoCreation]);
    },
  },
  { remove: async (caller, kind, sid) => removeRow(`remove ${kind}`, tableOf[kind]!)(caller, sid) },
);

it('goes by the commands that delete one by one; other services keep everything', async () => {
  await fill(service);
  await fill(kept);
  let left: string;
  do left = await remains().removeSome({ sid: service, account }); while (left === 'more');
  expect(left).toBe('empty');
  expect(await count(service)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(await count(kept)).toEqual([3, 3, 1, 3, 1, 1]);
  expect([...new Set(done)]).toEqual([
    'deleteConversation', 'deleteUser', 'remove PushBinding', 'remove Role', 'remove ServiceNotification', 'remove WebhookConfiguration',
  ]);
  const { rows } = await db.pool.query('select auto_creation from model.address_configuration order by auto_creation->>\'conversation_service_sid\' nulls first');
  expect(rows).toEqual([
    { auto_creation: { enabled: true, type: 'default' } },
    { auto_creation: { enabled: true, type: 'default', conversation_service_sid: kept } },
  ]);
});

it('says when something cannot be removed, instead of trying for ever', async () => {
  const nothing = async () => { throw new DomainError('resource_not_found'); };
  const stuck = new ServiceRemains(
    db.pool, { deleteConversation: nothing }, { deleteUser: nothing, updateAddressConfiguration: nothing }, { remove: nothing },
  );
  expect(await stuck.removeSome({ sid: kept, account })).toBe('stuck');
  const broken = new ServiceRemains(
    db.pool, { deleteConversation: async () => { throw new DomainError('unavailable'); } },
    { deleteUser: nothing, updateAddressConfiguration: nothing }, { remove: nothing },
  );
  await expect(broken.removeSome({ sid: kept, account })).rejects.toThrow('unavailable');
});

it('goes on with the other services when one of them cannot be emptied', async () => {
  const nothing = async () => { throw new DomainError('resource_not_found'); };
  const broken = new ServiceRemains(
    db.pool, { deleteConversation: async () => { throw new DomainError('unavailable'); } },
    { deleteUser: nothing, updateAddressConfiguration: nothing }, { remove: nothing },
  );
  const [emptied, failed]: [string[], unknown[]] = [[], []];
  const other = newSid('IS');
  await broken.empty([{ sid: kept, account }, { sid: other, account }], async ({ sid }, left) => void emptied.push(`${sid} ${left}`), (error) => failed.push(error));
  expect([emptied, failed]).toEqual([[`${other} empty`], [expect.objectContaining({ code: 'unavailable' })]]);
});
