/** The command line on accounts, tokens, keys and services, on a real database. */
import { newSid } from '@parley/domain/sid';
import { Accounts } from '@parley/event-store/accounts';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import type { Config } from '@parley/runtime/config';
import { accountGroup, tokenGroup } from './account-commands.js';
import { helpOf, understand, type Group } from './command-group.js';
import { keyGroup } from './key-commands.js';
import type { Credentials, Databases } from './new-account.js';
import { serviceGroup } from './service-commands.js';
import { setup } from './setup.js';

let db: TestDatabase;
let account: Credentials;
const groups: Record<string, Group<Databases>> = { account: accountGroup, token: tokenGroup, key: keyGroup, service: serviceGroup };
async function run<T = any>(group: string, ...args: string[]): Promise<T[]> {
  return (await understand(groups[group]!, args)!(db)) as T[];
}
const comesIn = async (user: string, password: string) => (await new Accounts(db.pool, db.box).verifyBasic(user, password))?.account.status;

beforeAll(async () => {
  db = await testDatabase();
  [account] = (await run<Credentials>('account', 'create', 'Top')) as [Credentials];
});
afterAll(() => db.drop());

describe('account', () => {
  it('is made with token, key and default service', async () => {
    expect(account).toEqual({
      accountSid: expect.stringMatching(/^AC/), authToken: expect.stringMatching(/^[0-9a-f]{32}$/), apiKeySid: expect.stringMatching(/^SK/),
      apiKeySecret: expect.stringMatching(/^\w{32}$/), serviceSid: expect.stringMatching(/^IS/),
    });
    expect([await comesIn(account.accountSid, account.authToken), await comesIn(account.apiKeySid, account.apiKeySecret)]).toEqual(['active', 'active']);
    expect(await run('service', 'list', account.accountSid)).toMatchObject([{ serviceSid: account.serviceSid }]);
    const { rows } = await db.pool.query('select 1 from model.role where chat_service_sid = $1', [account.serviceSid]);
    expect(rows).toHaveLength(4);
  });
  it('is shown and listed without secrets, with its subaccounts', async () => {
    const [sub] = await run<Credentials>('account', 'create', 'Sub', '--parent', account.accountSid);
    await run('account', 'create', 'Elsewhere');
    const listed = await run('account', 'list', '--parent', account.accountSid);
    expect(listed).toMatchObject([{ accountSid: account.accountSid, parent: null, friendlyName: 'Top' }, { accountSid: sub!.accountSid, parent: account.accountSid, status: 'active' }]);
    expect((await run('account', 'list')).length).toBeGreaterThan(2);
    const shown = await run('account', 'show', sub!.accountSid);
    expect(shown).toEqual([listed[1]]);
    for (const secret of [sub!.authToken, sub!.apiKeySecret]) expect(JSON.stringify([listed, shown])).not.toContain(secret);
    await expect(run('account', 'create', 'Deeper', '--parent', sub!.accountSid)).rejects.toMatchObject({ name: 'CommandError' });
  });
  it('names the default service of now, at every start as well', async () => {
    const at = async () => [(await run('account', 'show', account.accountSid))[0].serviceSid, (await setup({ databaseUrl: db.url, keysDatabaseUrl: db.keysUrl, kek: db.kek } as Config)).serviceSid];
    const [other] = await run<{ serviceSid: string }>('service', 'create', account.accountSid, 'Other');
    expect(await at()).toEqual([account.serviceSid, account.serviceSid]);
    await db.pool.query('insert into model.account_configuration select * from jsonb_populate_record(null::model.account_configuration, $1)', [
      { sid: account.accountSid, account: account.accountSid, default_chat_service_sid: other!.serviceSid, created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' },
    ]);
    expect(await at()).toEqual([other!.serviceSid, other!.serviceSid]);
    await db.pool.query('delete from model.account_configuration');
    await run('service', 'delete', account.accountSid, other!.serviceSid);
  });
  it('is suspended, opened again and closed, with its subaccounts', async () => {
    const [top] = await run<Credentials>('account', 'create', 'Short-lived');
    const [sub] = await run<Credentials>('account', 'create', 'Sub', '--parent', top!.accountSid);
    for (const [command, status] of [['suspend', 'suspended'], ['activate', 'active'], ['close', 'closed']] as const) {
      expect(await run('account', command, top!.accountSid)).toMatchObject([{ accountSid: top!.accountSid, status }]);
      expect(await comesIn(sub!.apiKeySid, sub!.apiKeySecret)).toBe(status);
    }
    expect(await run('account', 'list', '--status', 'closed')).toHaveLength(2);
    await expect(run('account', 'activate', top!.accountSid)).rejects.toMatchObject({ name: 'CommandError', message: expect.stringContaining('final') });
    await expect(run('key', 'create', sub!.accountSid)).rejects.toMatchObject({ name: 'CommandError' });
  });
});

describe('token', () => {
  it('is rotated and promoted, or taken back', async () => {
    const [{ secondaryAuthToken }] = await run('token', 'rotate', account.accountSid) as [{ secondaryAuthToken: string }];
    expect([await comesIn(account.accountSid, account.authToken), await comesIn(account.accountSid, secondaryAuthToken)]).toEqual(['active', 'active']);
    await expect(run('token', 'rotate', account.accountSid)).rejects.toMatchObject({ name: 'CommandError' });
    expect(await run('token', 'promote', account.accountSid)).toEqual([{ accountSid: account.accountSid, promoted: true }]);
    expect([await comesIn(account.accountSid, account.authToken), await comesIn(account.accountSid, secondaryAuthToken)]).toEqual([undefined, 'active']);
    await run('token', 'rotate', account.accountSid);
    expect(await run('token', 'cancel', account.accountSid)).toEqual([{ accountSid: account.accountSid, cancelled: true }]);
    await expect(run('token', 'promote', account.accountSid)).rejects.toMatchObject({ name: 'CommandError' });
  });
});

describe('key', () => {
  it('is made, listed without its secret, and deleted', async () => {
    const allow = ['/twilio/conversations/messages/create', '/twilio/conversations/participants/*'];
    const [made] = await run('key', 'create', account.accountSid, 'Sender', ...allow.flatMap((entry) => ['--allow', entry]));
    expect(made).toMatchObject({ kind: 'restricted', allow, friendlyName: 'Sender', apiKeySecret: expect.stringMatching(/^\w{32}$/) });
    const { apiKeySecret, ...shown } = made;
    expect(await run('key', 'list', account.accountSid)).toMatchObject([{ friendlyName: 'First key', kind: 'standard' }, shown]);
    expect(await comesIn(made.apiKeySid, apiKeySecret)).toBe('active');
    expect(await run('key', 'delete', account.accountSid, made.apiKeySid)).toMatchObject([{ deleted: true }]);
    expect(await comesIn(made.apiKeySid, apiKeySecret)).toBeUndefined();
  });
});

describe('service', () => {
  it('is made, listed and deleted; the default one stays', async () => {
    const [made] = await run('service', 'create', account.accountSid, 'Support');
    expect(await run('service', 'list', account.accountSid)).toMatchObject([{ serviceSid: account.serviceSid }, made]);
    expect(await run('service', 'delete', account.accountSid, made.serviceSid)).toMatchObject([{ deleted: true }]);
    expect(await run('service', 'list', account.accountSid)).toHaveLength(1);
    for (const sid of [account.serviceSid, made.serviceSid])
      await expect(run('service', 'delete', account.accountSid, sid)).rejects.toMatchObject({ name: 'CommandError' });
  });
});

describe('mistakes', () => {
  it.each([
    ['account', 'mend'], ['account', 'show'], ['account', 'show', 'AC1'], ['account', 'list', '--status', 'asleep'], ['account', 'list', '--nothing'],
    ['account', 'create', 'one', 'two'], ['account', 'create', 'x'.repeat(65)], ['token', 'rotate'], ['key', 'create'], ['key', 'delete', newSid('AC')],
    ['key', 'delete', newSid('AC'), 'SK1'], ['key', 'create', newSid('AC'), '--allow', '/twilio/tea/cups/read'], ['key', 'create', newSid('AC'), '--allow'],
    ['service', 'create', newSid('AC')], ['service', 'create', newSid('AC'), ''], ['service', 'constructor'],
  ])('%s %s %s %s is not understood, in one line', async (group, ...args) => {
    await expect((async () => run(group!, ...args))()).rejects.toMatchObject({ name: 'UsageError', message: expect.stringMatching(/^.+$/) });
  });
  it.each([['account', 'show'], ['account', 'suspend'], ['token', 'rotate'], ['key', 'create'], ['key', 'list'], ['service', 'list']])(
    '%s %s of an account there is not', async (group, action) => {
      const sid = newSid('AC');
      await expect(run(group, action, sid)).rejects.toMatchObject({ name: 'CommandError', message: `there is no account ${sid}` });
    });
});

describe('help', () => {
  it.each(Object.entries(groups).flatMap(([name, { actions }]) => Object.keys(actions).map((action) => [name, action] as const)))('%s %s --help', (name, action) => {
    expect(understand(groups[name]!, [action, '--help'])).toBeUndefined();
    expect(helpOf(groups[name]!, action)).toMatch(new RegExp(`^usage: parley ${name} ${action}\\b`));
    expect(helpOf(groups[name]!)).toContain(`parley ${name} ${action}`);
  });
  it.each([[], ['--help'], ['-h'], ['help']])('is asked for by %j', (...args) => expect(understand(keyGroup, args as string[])).toBeUndefined());
});
