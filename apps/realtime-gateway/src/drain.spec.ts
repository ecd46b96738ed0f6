/** The end of a process: its clients are sent away one after the other, and go on elsewhere as if nothing had been. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { attachRealtime } from './attach-realtime.js';
import { Client, RealtimeWorld, type TestAccount } from './realtime.testing.js';

const MEMBERS = 40;
/** Each goodbye has 5 ms. */
const SPREAD_MILLIS = MEMBERS * 5;
const DRAIN_MILLIS = 1_500;
let world: RealtimeWorld;
let account: TestAccount;
beforeEach(async () => {
  await start(DRAIN_MILLIS);
});
afterEach(() => world.close());

async function start(drainMillis: number) {
  world = await RealtimeWorld.open({ drainMillis });
  account = await world.account();
}

/** Another gateway on the same log. */
async function elsewhere() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const realtime = attachRealtime(server, { tail: world.tail, pool: world.database.pool, accounts: world.accounts, ...world.parts, limits: { drainMillis: 0 } });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/stream`;
  return {
    async connect(identity: string): Promise<Client> {
      const client = new Client(new WebSocket(`${url}?token=${await world.token(account, { identity })}`));
      await client.next('ready');
      return client;
    },
    async close() {
      await realtime.close();
      server.close();
    },
  };
}

describe('a gateway that ends', () => {
  it('sends its clients away over a while, serves those who wait their turn, and each has every message once', async () => {
    const identities = Array.from({ length: MEMBERS }, (_, i) => `member-${i}`);
    const sid = await world.conversation(account, identities);
    const other = await elsewhere();
    const clients = await Promise.all(identities.map((identity) => world.connect(account, identity)));
    await Promise.all(clients.map((client) => client.subscribe([sid])));
    const said: string[] = [];
    let stop = false;
    const talking = (async () => {
      while (!stop) {
        said.push(`m${said.length}`);
        await world.say(account, sid, said.at(-1)!);
      }
    })();
    await clients[0]!.until(() => clients[0]!.events.length > 3);
    const followed = clients.map(async (client, i) => {
      await client.until(() => client.closed !== undefined);
      expect(client.closed!.code).toBe(1001);
      expect(client.frames.at(-1)!.type).toBe('closing');
      const again = await other.connect(identities[i]!);
      await again.subscribe([sid], { [sid]: client.events.at(-1)!.position });
      return { client, again };
    });
    const begin = performance.now();
    const ended = world.closeRealtime().then(() => performance.now() - begin);
    const late = world.client();
    await late.until(() => late.refused !== undefined);
    expect(late.refused!.status).toBe(503);
    const both = await Promise.all(followed);
    expect(await ended).toBeGreaterThan(SPREAD_MILLIS * 0.9);
    stop = true;
    await talking;
    await Promise.all(both.map(async ({ client, again }) => {
      await again.until(() => client.bodies().length + again.bodies().length >= said.length);
      expect([...client.bodies(), ...again.bodies()]).toEqual(said);
    }));
    await other.close();
  });

  it('lets who waits for an answer have it first', async () => {
    await world.close();
    await start(60_000);
    let answer: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      world.api = (_, response: ServerResponse) => {
        answer = () => void response.setHeader('content-type', 'application/json').end('{"sid":"1"}');
        resolve();
      };
    });
    const [busy, idle] = [await world.connect(account, 'alice'), await world.connect(account, 'bob')];
    busy.send({ type: 'request', id: 1, method: 'GET', path: '/v1/Conversations' });
    await asked;
    const ended = world.closeRealtime();
    await idle.until(() => idle.closed !== undefined);
    expect(busy.closed).toBeUndefined();
    answer();
    await busy.until(() => busy.closed !== undefined);
    expect(busy.frames.slice(-2).map(({ type }) => type)).toEqual(['response', 'closing']);
    await ended;
  });

  it('waits no longer than it may', async () => {
    world.api = () => {};
    const busy = await world.connect(account, 'alice');
    busy.send({ type: 'request', id: 1, method: 'GET', path: '/v1/Conversations' });
    await world.closeRealtime();
    await busy.until(() => busy.closed !== undefined);
    expect(busy.closed!.code).toBe(1001);
    expect(busy.frames.map(({ type }) => type)).not.toContain('response'); // the REST API would have been given up, and that said, only after 25 s
  });
});
