import { newSid } from '@parley/domain/sid';
import { AccountRegistry, type NewAccount } from './account-registry.js';
import { Accounts, type Credentials } from './accounts.js';
import { createPool } from './database.js';
import { testDatabase, until, type TestDatabase } from './database.testing.js';

let db: TestDatabase;
let accounts: Accounts;
let registry: AccountRegistry;
beforeAll(async () => {
  db = await testDatabase();
  accounts = new Accounts(db.pool, db.box);
  registry = new AccountRegistry(db.pool, db.box, accounts);
});
afterAll(() => db.drop());

const nothing = () => Promise.resolve();
const newAccount = (more: Partial<NewAccount> = {}): NewAccount => ({ sid: newSid('AC'), friendlyName: 'Spec', defaultChatServiceSid: newSid('IS'), ...more });
async function make(more: Partial<NewAccount> = {}) {
  const { account, authToken } = await registry.createAccount(newAccount(more), nothing);
  return { sid: account.sid, token: authToken };
}
const comesIn = async (user: string, password: string, by = accounts) => (await by.verifyBasic(user, password))?.account.sid;
const refusal = (call: Promise<unknown>) => call.then(() => 'done', (error: { reason?: string; code?: string }) => error.reason ?? error.code);

describe('accounts', () => {
  it('come in with their own token, or a key with its secret', async () => {
    const { sid, token } = await make();
    const { key, secret } = await registry.createKey({ account: sid, friendlyName: null });
    expect(await accounts.verifyBasic(sid, token)).toMatchObject({ account: { sid }, key: undefined });
    expect(await accounts.verifyBasic(key.sid, secret)).toMatchObject({ account: { sid }, key: { sid: key.sid, secret, allow: undefined } });
    for (const [user, password] of [[sid, secret], [key.sid, token], [sid, ''], [newSid('AC'), token], [newSid('SK'), secret]] as const)
      expect(await comesIn(user, password)).toBeUndefined();
  });
  it('are not asked for by what is no SID', async () => {
    const { sid, token } = await make();
    for (const odd of ['AC\0', 'SK\0', `${sid}\0`, `${sid.slice(0, -1)}\0`, 'AC', 'bob', '']) {
      expect(await accounts.verifyBasic(odd, token)).toBeUndefined();
      expect(await accounts.find(odd)).toBeUndefined();
      expect(await accounts.findKey(odd)).toBeUndefined();
    }
  });
  it('keep secrets sealed, or hashed where nobody needs them back', async () => {
    const { sid, token } = await make();
    const standard = await registry.createKey({ account: sid, friendlyName: 'standard' });
    const restricted = await registry.createKey({ account: sid, friendlyName: 'restricted', policy: { allow: ['/twilio/conversations/*'] } });
    const { authToken: secondary } = await registry.createSecondaryToken(sid);
    const { rows } = await db.pool.query<{ all: string }>(
      `select (select jsonb_agg(a)::text from registry.account a) || (select jsonb_agg(k)::text from registry.api_key k) as all`,
    );
    for (const secret of [token, secondary, standard.secret, restricted.secret]) {
      expect(rows[0]!.all).not.toContain(secret);
      expect(rows[0]!.all).not.toContain(Buffer.from(secret).toString('hex'));
    }
    expect([token, secondary].join(' ')).toMatch(/^[0-9a-f]{32} [0-9a-f]{32}$/);
    expect(standard.secret).toMatch(/^[0-9A-Za-z]{32}$/);
    expect(await accounts.findKey(restricted.key.sid)).toMatchObject({ secret: undefined, allow: ['/twilio/conversations/*'] });
    expect(await comesIn(restricted.key.sid, restricted.secret)).toBe(sid);
  });
});

describe('auth tokens', () => {
  it('rotate: both are valid until the second one is promoted', async () => {
    const { sid, token } = await make();
    const second = await registry.createSecondaryToken(sid);
    expect(await refusal(registry.createSecondaryToken(sid))).toBe('secondary_exists');
    expect(await Promise.all([token, second.authToken].map((each) => comesIn(sid, each)))).toEqual([sid, sid]);
    expect(await accounts.find(sid)).toMatchObject({ authToken: token, secondaryAuthToken: second.authToken });
    expect(await registry.promoteToken(sid)).toMatchObject({ authToken: second.authToken, createdAt: second.createdAt });
    expect(await Promise.all([token, second.authToken].map((each) => comesIn(sid, each)))).toEqual([undefined, sid]);
    expect(await accounts.find(sid)).toMatchObject({ authToken: second.authToken, secondaryAuthToken: undefined });
    expect(await refusal(registry.promoteToken(sid))).toBe('no_secondary');
  });
  it('end when they are removed', async () => {
    const { sid } = await make();
    const { authToken } = await registry.createSecondaryToken(sid);
    expect(await comesIn(sid, authToken)).toBe(sid);
    await registry.deleteSecondaryToken(sid);
    expect(await comesIn(sid, authToken)).toBeUndefined();
    expect(await refusal(registry.deleteSecondaryToken(sid))).toBe('no_secondary');
  });
  it('are promoted by one of two who try', async () => {
    const { sid } = await make();
    await registry.createSecondaryToken(sid);
    expect((await Promise.all([1, 2, 3].map(() => refusal(registry.promoteToken(sid))))).sort()).toEqual(['done', 'no_secondary', 'no_secondary']);
  });
  it('work in another process too, however fresh its cache is', async () => {
    const elsewhere = new Accounts(db.pool, db.box);
    const { sid, token } = await make();
    expect(await comesIn(sid, token, elsewhere)).toBe(sid);
    const { authToken } = await registry.createSecondaryToken(sid);
    const deadline = Date.now() + 9000;
    while ((await comesIn(sid, authToken, elsewhere)) === undefined) expect(Date.now()).toBeLessThan(deadline);
  });
});

describe('what is remembered', () => {
  it('is current until that account changes, in every process that is told', async () => {
    const elsewhere = new Accounts(db.pool, db.box);
    const here = new Accounts(db.pool, db.box, (sid) => elsewhere.drop(sid));
    const changes = new AccountRegistry(db.pool, db.box, here);
    const top = await make();
    const [sub, stranger] = [await make({ parent: top.sid }), await make()];
    const { key, secret } = await changes.createKey({ account: top.sid, friendlyName: null });
    const remembered = async () => {
      const found: Credentials[] = [];
      for (const by of [here, elsewhere]) for (const [user, password] of [[top.sid, top.token], [sub.sid, sub.token], [key.sid, secret], [stranger.sid, stranger.token]] as const)
        found.push((await Promise.all([1, 2, 3].map(() => by.verifyBasic(user, password)))).at(-1)!);
      return () => found.map((credentials) => credentials.current());
    };
    const before = await remembered();
    expect(before()).toEqual(Array.from({ length: 8 }, () => true));
    await changes.createKey({ account: top.sid, friendlyName: null });
    expect(before()).toEqual(Array.from({ length: 8 }, () => true));
    await changes.updateAccount(top.sid, { status: 'suspended' });
    expect(before()).toEqual([false, false, false, true, false, false, false, true]);
    expect((await elsewhere.verifyBasic(key.sid, secret))?.account.status).toBe('suspended');
    const after = await remembered();
    await changes.deleteKey(top.sid, key.sid);
    expect(after()).toEqual([false, false, false, true, false, false, false, true]);
    expect(await comesIn(key.sid, secret, elsewhere)).toBeUndefined();
  });
});

describe('status', () => {
  it.each([
    ['suspended', 'active', 'suspended'], ['active', 'suspended', 'suspended'], ['closed', 'active', 'closed'], ['suspended', 'closed', 'closed'],
  ] as const)('of a subaccount: parent %s, own %s, so %s', async (parent, own, holds) => {
    const top = await make();
    const sub = await make({ parent: top.sid });
    expect((await accounts.find(sub.sid))?.status).toBe('active');
    await registry.updateAccount(sub.sid, { status: own });
    await registry.updateAccount(top.sid, { status: parent });
    expect((await accounts.find(sub.sid))?.status).toBe(holds);
  });
  it('comes back to what it was with its parent', async () => {
    const top = await make();
    const [active, suspended] = [await make({ parent: top.sid }), await make({ parent: top.sid })];
    await registry.updateAccount(suspended.sid, { status: 'suspended' });
    await registry.updateAccount(top.sid, { status: 'suspended' });
    await registry.updateAccount(top.sid, { status: 'active' });
    expect([(await accounts.find(active.sid))?.status, (await accounts.find(suspended.sid))?.status]).toEqual(['active', 'suspended']);
  });
  it('is final when closed', async () => {
    const { sid } = await make();
    await registry.updateAccount(sid, { status: 'closed' });
    for (const status of ['active', 'suspended'] as const) expect(await refusal(registry.updateAccount(sid, { status }))).toBe('closed');
    await registry.updateAccount(sid, { status: 'closed' });
    expect((await accounts.find(sid))?.status).toBe('closed');
  });
  it.each(['suspended', 'closed'] as const)('%s takes no subaccount any more, also from who has not heard of it yet', async (status) => {
    const { sid } = await make();
    await registry.updateAccount(sid, { status });
    expect(await refusal(make({ parent: sid }))).toBe('owner_not_active');
  });
  it('that changes while a subaccount is made holds for it: it is not made', async () => {
    const { sid: parent } = await make();
    const late = registry.createAccount(newAccount({ parent }), () => registry.updateAccount(parent, { status: 'suspended' }));
    expect(await refusal(late)).toBe('owner_not_active');
  });
});

describe('many at once', () => {
  it('are made on fewer connections than there are, whatever the making of their services needs', async () => {
    const { sid: parent } = await make();
    const few = createPool(db.url, { max: 2, connectionTimeoutMillis: 5000 });
    try {
      const one = new AccountRegistry(few, db.box);
      const service = async () => void (await few.query('select 1'));
      const made = await Promise.all(Array.from({ length: 20 }, () => one.createAccount(newAccount({ parent }), service)));
      expect(new Set(made.map(({ account }) => account.parent))).toEqual(new Set([parent]));
    } finally {
      await few.end();
    }
  });
});

describe('keys', () => {
  it('end when they are deleted, by their own account only', async () => {
    const [one, other] = [await make(), await make()];
    const { key, secret } = await registry.createKey({ account: one.sid, friendlyName: 'k' });
    expect(await comesIn(key.sid, secret)).toBe(one.sid);
    expect([await registry.deleteKey(other.sid, key.sid), await registry.key(other.sid, key.sid), await registry.updateKey(other.sid, key.sid, {})])
      .toEqual([false, undefined, undefined]);
    expect(await registry.deleteKey(one.sid, key.sid)).toBe(true);
    expect(await comesIn(key.sid, secret)).toBeUndefined();
  });
  it('change their name and, when restricted, their policy', async () => {
    const { sid } = await make();
    const policy = { allow: ['/twilio/conversations/messages/read'] };
    const { key } = await registry.createKey({ account: sid, friendlyName: 'a', policy: { allow: ['/twilio/conversations/*'] } });
    expect(await registry.updateKey(sid, key.sid, { policy })).toMatchObject({ friendlyName: 'a', policy });
    expect(await registry.updateKey(sid, key.sid, { friendlyName: null })).toMatchObject({ friendlyName: null, policy });
    expect((await accounts.findKey(key.sid))?.allow).toEqual(policy.allow);
    const standard = await registry.createKey({ account: sid, friendlyName: 'b' });
    expect(await registry.updateKey(sid, standard.key.sid, { policy })).toMatchObject({ policy: null });
  });
  it('are listed page by page, both ways', async () => {
    const { sid } = await make();
    const made: string[] = [];
    for (let i = 0; i < 3; i++) made.push((await registry.createKey({ account: sid, friendlyName: null })).key.sid);
    made.sort();
    const sids = async (page: Parameters<AccountRegistry['listKeys']>[1]) => (await registry.listKeys(sid, page)).map((key) => key.sid);
    expect(await sids({ limit: 2 })).toEqual(made.slice(0, 2));
    expect(await sids({ after: made[1]!, limit: 2 })).toEqual(made.slice(2));
    expect(await sids({ after: made[2]!, back: true, limit: 2 })).toEqual([made[1], made[0]]);
  });
});

describe('a request with a key', () => {
  it('has the same answer again, even at once, and no second effect', async () => {
    const { sid } = await make();
    const by = { account: sid, key: 'http:once', hash: 'h' };
    const [first, second] = await Promise.all([1, 2].map(() => registry.createKey({ account: sid, friendlyName: null }, by)));
    expect(second).toEqual(first);
    expect(await registry.listKeys(sid, { limit: 10 })).toHaveLength(1);
    expect(await refusal(registry.createKey({ account: sid, friendlyName: 'x' }, { ...by, hash: 'another' }))).toBe('idempotency_key_reused');
    const { rows } = await db.pool.query<{ result: string }>('select result from log.command where account = $1', [sid]);
    expect(rows[0]!.result).not.toContain(first!.secret);
  });
  it('is refused, without effect, when another command takes the key while it waits', async () => {
    const { sid } = await make();
    const by = { account: sid, key: 'http:taken', hash: 'h' };
    const holder = await db.pool.connect();
    await holder.query('begin');
    await holder.query('select 1 from registry.account where sid = $1 for update', [sid]);
    const late = refusal(registry.createKey({ account: sid, friendlyName: null }, by));
    await until(async () => (await db.pool.query("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")).rowCount === 1);
    await holder.query("insert into log.command (account, key, hash, result, at, expires_at) values ($1, $2, 'other', 'null', now(), now() + interval '1 day')", [sid, by.key]);
    await holder.query('commit');
    holder.release();
    expect(await late).toBe('idempotency_key_reused');
    expect(await registry.listKeys(sid, { limit: 10 })).toEqual([]);
  });
});
