/** What no SDK does: it is refused, and nothing of who is gone is kept. */
import { metrics } from '@parley/telemetry/metrics';
import { RealtimeWorld, type TestAccount } from '../realtime.testing.js';
import { insertService, insertUser, SdkClient } from './sdk-client.testing.js';
import { mineName, nameOf } from './sync-names.js';

let world: RealtimeWorld;
let account: TestAccount;
let user: string;
beforeAll(async () => {
  world = await RealtimeWorld.open();
  account = await world.account();
  await insertService(world, account);
  user = await insertUser(world, account, 'mallory');
});
afterAll(() => world.close());
const gauge = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(metrics.expose())![1]);

it('answers what it cannot look up as a mistake of the client', async () => {
  const conversation = await world.conversation(account, ['mallory']);
  const client = await SdkClient.open(world, account, 'mallory');
  const items = `/v3/Lists/${nameOf('messages', conversation)}/Items`;
  const mine = `/v3/Maps/${mineName(user)}/Items`;
  const token = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const statuses = await Promise.all([
    client.request('GET', items, undefined, { PageSize: '10.5' }), client.request('GET', mine, undefined, { PageSize: '-1', From: 'CH' }), client.request('GET', items, undefined, { PageSize: '1e999' }),
    client.request('GET', mine, undefined, { From: '%00' }), client.request('GET', mine, undefined, { PageToken: token({ from: '\0', order: 'asc', size: 10 }) }),
    client.request('GET', '/Client/v2/ContentTemplates', undefined, { PageToken: '%00' }), client.request('GET', `/v3/Maps/${Buffer.from('\0').toString('base64url')}.identity`),
    client.request('POST', '/v4/Subscriptions', { action: 'establish', correlation_id: 1, requests: [{ object_sid: 'x'.repeat(65), object_type: 'map' }] }),
    client.request('POST', '/v4/Subscriptions', { action: 'establish', correlation_id: 1, requests: [{ object_sid: 'x', object_type: 'x'.repeat(65) }] }),
  ]);
  expect(statuses.map(({ status }) => status)).toEqual([200, 200, 200, 400, 400, 400, 404, 400, 400]);
  client.close();
});

it('keeps nothing of clients that go while what they open waits for its turn', async () => {
  const { pool } = world.database;
  const conversation = await world.conversation(account, ['mallory']);
  const before = gauge('parley_client_sdk_open');
  const clients = await Promise.all(Array.from({ length: 12 }, () => SdkClient.open(world, account, 'mallory')));
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('lock table model.participant in access exclusive mode');
  await Promise.all(clients.map((client, n) => client.subscribe(n % 2 ? { [mineName(user)]: 0 } : { [nameOf('messages', conversation)]: 0, [nameOf('roster', conversation)]: 0 })));
  for (const client of clients) client.close();
  const witness = await SdkClient.open(world, account, 'mallory');
  await witness.until(() => gauge('parley_client_sdk_sockets') === 1);
  await holder.query('commit');
  holder.release();
  // In the same account's turn, so behind all of them.
  await witness.established(await witness.subscribe({ [nameOf('document', conversation)]: 0 }), 1);
  await witness.until(() => gauge('parley_client_sdk_open') === before + 1 && gauge('parley_client_sdk_waiting_bytes') === 0);
  witness.close();
});

it('lets in who was deleted since he was here last: he is made anew', async () => {
  await insertUser(world, account, 'lazarus');
  (await SdkClient.open(world, account, 'lazarus')).close();
  await world.database.pool.query("delete from model.chat_user where identity = 'lazarus'");
  await expect(SdkClient.open(world, account, 'lazarus')).rejects.toThrow('503');
  world.makesUser = ({ identity }) => insertUser(world, account, identity!);
  (await SdkClient.open(world, account, 'lazarus')).close();
});
