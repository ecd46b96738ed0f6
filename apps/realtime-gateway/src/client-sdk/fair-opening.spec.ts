/** Objects that one account opens, however slowly the database answers for it, keep no other account from opening its own. */
import { RealtimeWorld, type TestAccount } from '../realtime.testing.js';
import { insertService, insertUser, SdkClient } from './sdk-client.testing.js';
import { nameOf } from './sync-names.js';

const SLOW = 7_001;
let world: RealtimeWorld;
beforeAll(async () => { world = await RealtimeWorld.open(); });
afterAll(() => world.close());

/** Whoever reads participants of that account waits until the answer is called. */
async function slowFor({ sid }: TestAccount): Promise<() => Promise<void>> {
  const { pool } = world.database;
  await pool.query(`alter table model.participant rename to all_participant;
    create view model.participant as select * from model.all_participant where case when account = '${sid}' then pg_advisory_lock_shared(${SLOW}) is not null and pg_advisory_unlock_shared(${SLOW}) else true end`);
  const holder = await pool.connect();
  await holder.query('select pg_advisory_lock($1)', [SLOW]);
  return async () => {
    await holder.query('select pg_advisory_unlock($1)', [SLOW]);
    holder.release();
  };
}

it('leaves a place to every account', async () => {
  const [greedy, modest] = [await world.account(), await world.account()];
  const names = Array.from({ length: 8 }, (_, n) => `greedy${n}`);
  for (const account of [greedy, modest]) await insertService(world, account);
  for (const name of names) await insertUser(world, greedy, name);
  await insertUser(world, modest, 'alice');
  const [theirs, hers] = [await world.conversation(greedy, names), await world.conversation(modest, ['alice'])];
  const many = await Promise.all(names.map((name) => SdkClient.open(world, greedy, name)));
  const alice = await SdkClient.open(world, modest, 'alice');
  const answer = await slowFor(greedy);
  const asked = await Promise.all(many.map((client) => client.subscribe({ [nameOf('messages', theirs)]: 0 })));
  await alice.established(await alice.subscribe({ [nameOf('messages', hers)]: 0, [nameOf('roster', hers)]: 0 }), 2);
  await answer();
  await Promise.all(many.map((client, n) => client.established(asked[n]!, 1)));
  for (const client of [...many, alice]) client.close();
});
