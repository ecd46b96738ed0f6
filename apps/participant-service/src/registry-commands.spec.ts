import { DomainError } from '@parley/domain/domain-error';
import type { RegistryRow } from '@parley/domain/registry-events';
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { GroupCommit } from '@parley/event-store/group-commit';
import { rebuildModels } from '@parley/event-store/rebuild';
import { Streams } from '@parley/event-store/streams';
import { RegistryService } from './registry-commands.js';

let db: TestDatabase;
let commit: GroupCommit;
let registry: RegistryService;
const account = newSid('AC');
const caller = { account };
const at = '2026-01-01T00:00:00+00:00';
const times = { created_at: at, updated_at: at };
beforeAll(async () => {
  db = await testDatabase();
  commit = new GroupCommit(db.pool, () => {});
  registry = new RegistryService(new Streams(db.pool, commit, db.keys), db.pool);
  await db.pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [account, db.box.seal('t')]);
});
afterAll(async () => {
  await commit.stop();
  await db.drop();
});

const rowOf = async (table: string, sid: string): Promise<RegistryRow | undefined> =>
  (await db.pool.query<{ row: RegistryRow }>(`select to_jsonb(t) as row from model.${table} t where sid = $1`, [sid])).rows[0]?.row;
const refusal = async (command: Promise<void>): Promise<string> => {
  try {
    await command;
    return 'none';
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
};
const service = (): RegistryRow => ({ sid: newSid('IS'), friendly_name: 'Support', ...times });
const credential = (): RegistryRow => ({ sid: newSid('CR'), friendly_name: null, type: 'fcm', sandbox: 'False', ...times });
const binding = (): RegistryRow => ({
  sid: newSid('BS'), chat_service_sid: newSid('IS'), credential_sid: newSid('CR'), endpoint: 'phone-of-ann', identity: 'ann', binding_type: 'fcm',
  message_types: ['new_message'], address: 'token-of-ann', ...times,
});

it('keeps rows as they were given, changes them, removes them', async () => {
  const row = credential();
  await registry.create(caller, 'Credential', row);
  expect(await rowOf('credential', row.sid)).toMatchObject({ ...row, account, secret: null });
  await registry.update(caller, 'Credential', row.sid, { secret: 'sealed' });
  expect(await rowOf('credential', row.sid)).toMatchObject({ type: 'fcm', secret: 'sealed', created_at: at });
  expect((await rowOf('credential', row.sid))!['updated_at']).not.toBe(at);
  await registry.remove(caller, 'Credential', row.sid);
  expect(await rowOf('credential', row.sid)).toBeUndefined();
  expect(await refusal(registry.update(caller, 'Credential', row.sid, {}))).toBe('resource_not_found');
});
it('removes what was seen, and nothing that somebody else has or that was renewed since', async () => {
  const row = binding();
  await registry.create(caller, 'PushBinding', row);
  const { updated_at } = (await db.pool.query<{ updated_at: string }>('select updated_at from model.push_binding where sid = $1', [row.sid])).rows[0]!;
  expect(await refusal(registry.remove(caller, 'PushBinding', row.sid, { identity: 'bob' }))).toBe('resource_not_found');
  await registry.update(caller, 'PushBinding', row.sid, {});
  expect(await refusal(registry.remove(caller, 'PushBinding', row.sid, { identity: 'ann', updated_at }))).toBe('resource_not_found');
  const renewed = (await db.pool.query<{ updated_at: string }>('select identity, updated_at from model.push_binding where sid = $1', [row.sid])).rows[0]!;
  await registry.remove(caller, 'PushBinding', row.sid, renewed);
  expect(await rowOf('push_binding', row.sid)).toBeUndefined();
});
it('finds nothing of another account', async () => {
  const row = credential();
  await registry.create(caller, 'Credential', row);
  const stranger = { account: newSid('AC') };
  expect(await refusal(registry.update(stranger, 'Credential', row.sid, { friendly_name: 'mine' }))).toBe('resource_not_found');
  expect(await refusal(registry.remove(stranger, 'Credential', row.sid))).toBe('resource_not_found');
});
it('creates settings by their first change', async () => {
  const sid = newSid('IS');
  for (const changes of [{ log_enabled: true }, { new_message_sound: 'ring' }, { log_enabled: false }])
    await registry.createOrUpdate(caller, 'ServiceNotification', { sid, ...times, ...changes }, changes);
  expect(await rowOf('service_notification', sid)).toMatchObject({ log_enabled: false, new_message_sound: 'ring', new_message_template: null });
});
it('does the same thing once for the same key, and never again for a key that was forgotten', async () => {
  const [row, keyed] = [credential(), { account, key: 'http:1', hash: 'a' }];
  await registry.create(keyed, 'Credential', row);
  await registry.create(keyed, 'Credential', row);
  expect(await refusal(registry.create({ ...keyed, hash: 'b' }, 'Credential', row))).toBe('idempotency_key_reused');
  await db.pool.query('delete from log.command where key = $1', [keyed.key]);
  expect(await refusal(registry.create(keyed, 'Credential', row))).toBe('idempotency_key_reused');
  await registry.remove(caller, 'Credential', row.sid);
  await db.pool.query('delete from log.command where key = $1', [keyed.key]);
  expect(await refusal(registry.create(keyed, 'Credential', row))).toBe('idempotency_key_reused');
});
it('does not remove the default service, whichever it is', async () => {
  const [one, two] = [service(), service()];
  for (const row of [one, two]) await registry.create(caller, 'Service', row);
  const choose = (sid: string) => registry.createOrUpdate(
    caller, 'AccountConfiguration', { sid: account, default_chat_service_sid: sid, ...times }, { default_chat_service_sid: sid });
  await choose(one.sid);
  expect(await refusal(registry.remove(caller, 'Service', one.sid))).toBe('service_is_default');
  await choose(two.sid);
  expect(await refusal(registry.remove(caller, 'Service', two.sid))).toBe('service_is_default');
  await registry.remove(caller, 'Service', one.sid);
  expect(await rowOf('service', one.sid)).toBeUndefined();
  expect(await refusal(choose(one.sid))).toBe('resource_not_found');
});
it('removes no service in the moment it is chosen', async () => {
  for (let n = 0; n < 10; n++) {
    const row = service();
    await registry.create(caller, 'Service', row);
    const chosen = registry.createOrUpdate(
      caller, 'AccountConfiguration', { sid: account, ...times }, { default_chat_service_sid: row.sid });
    const outcomes = await Promise.all([refusal(chosen), refusal(registry.remove(caller, 'Service', row.sid))]);
    expect(outcomes.filter((outcome) => outcome === 'none')).toHaveLength(1);
  }
});
it('does what many ask for at once: of one resource, and of those that share their parent', async () => {
  const row = credential();
  await registry.create(caller, 'Credential', row);
  const names = Array.from({ length: 30 }, (_, n) => `name ${n}`);
  expect(await Promise.all(names.map((friendly_name) => refusal(registry.update(caller, 'Credential', row.sid, { friendly_name }))))).toEqual(names.map(() => 'none'));
  expect(names).toContain((await rowOf('credential', row.sid))!['friendly_name']);
  const service = newSid('IS');
  const roles = names.map((friendly_name): RegistryRow => ({ sid: newSid('RL'), chat_service_sid: service, friendly_name, type: 'channel', permissions: [], ...times }));
  expect(await Promise.all(roles.map((role) => refusal(registry.create(caller, 'Role', role))))).toEqual(names.map(() => 'none'));
});
it('encrypts what a device is called; a rebuild reads it again', async () => {
  const row = binding();
  await registry.create(caller, 'PushBinding', row);
  await registry.update(caller, 'PushBinding', row.sid, { message_types: ['new_message', 'added_to_conversation'] });
  const served = await rowOf('push_binding', row.sid);
  expect(served).toMatchObject({ identity: 'ann', address: 'token-of-ann', message_types: ['new_message', 'added_to_conversation'] });
  const { rows: [{ at: found }] } = await db.pool.query("select position('of-ann'::bytea in data) as at from log.event where type = 'PushBindingCreated'");
  expect(found).toBe(0);
  await rebuildModels(db.pool, db.keys);
  expect(await rowOf('push_binding', row.sid)).toEqual(served);
  await registry.remove(caller, 'PushBinding', row.sid);
  expect(await rowOf('push_binding', row.sid)).toBeUndefined();
});
