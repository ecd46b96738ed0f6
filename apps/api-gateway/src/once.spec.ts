import { newSid } from '@parley/domain/sid';
import { testDatabase, until, type TestDatabase } from '@parley/event-store/database.testing';
import type { Call } from './call.js';
import { Once } from './once.js';

let db: TestDatabase;
beforeAll(async () => { db = await testDatabase(); });
afterAll(() => db.drop());

const call = (hash = 'h') => ({ caller: { account: newSid('AC'), key: 'http:k', hash } }) as unknown as Call;

it('an answer is remembered whichever of two at once was refused', async () => {
  const once = new Once(db.pool);
  const same = call();
  const refuse = Promise.withResolvers<void>();
  const first = once.run(same, () => refuse.promise.then(() => Promise.reject(new Error('refused')))).catch((error: Error) => error.message);
  await until(async () => (await db.pool.query('select 1 from log.command where account = $1', [same.caller.account])).rowCount === 1);
  let done = 0;
  const work = async () => `done ${++done}`;
  const second = once.run(same, work);
  refuse.resolve();
  expect(await Promise.all([first, second])).toEqual(['refused', 'done 1']);
  expect(await once.run(same, work)).toBe('done 1');
  await expect(once.run({ caller: { ...same.caller, hash: 'another' } } as Call, work)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
});
