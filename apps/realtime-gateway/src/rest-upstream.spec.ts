import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type RestCall, RestUpstream } from './rest-upstream.js';

describe('requests inside sockets, on their way to the REST API', () => {
  let server: Server;
  let upstream: RestUpstream;
  /** Arrived and not answered yet. */
  let open: Array<{ account: string; path: string; response: ServerResponse }>;
  let arrived: string[];
  const start = (patienceMillis?: number) => {
    upstream = new RestUpstream(() => `http://127.0.0.1:${(server.address() as AddressInfo).port}`, patienceMillis);
  };
  const call = (account: string, more: Partial<RestCall> = {}) =>
    upstream.call({ account, method: 'POST', path: '/v1/Conversations', credentials: { authorization: `Bearer ${account}` }, ...more });
  const until = async (condition: () => boolean) => {
    for (const end = Date.now() + 30_000; !condition();) {
      if (Date.now() > end) throw new Error(`still not so: ${condition.toString()} ${arrived.join()}`);
      await pause(5);
    }
  };
  const answer = (count: number) => { for (const { response } of open.splice(0, count)) response.end('{}'); };

  beforeEach(async () => {
    [open, arrived] = [[], []];
    server = createServer(({ headers, url }, response) => {
      const account = headers.authorization!.slice('Bearer '.length);
      arrived.push(account);
      open.push({ account, path: url!, response });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    upstream.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('of an account whose requests hang delay nobody else\'s', async () => {
    start();
    const hanging = Array.from({ length: 100 }, () => call('AC1'));
    await until(() => open.length === 16);
    const other = call('AC2');
    await until(() => arrived.includes('AC2'));
    open.pop()!.response.end('{}');
    expect(await other).toMatchObject({ status: 200 });
    expect(arrived.filter((account) => account === 'AC1')).toHaveLength(16);
    for (let left = 100; left > 0; left -= 1) {
      await until(() => open.length > 0);
      answer(1);
    }
    for (const { status } of await Promise.all(hanging)) expect(status).toBe(200);
  });

  it('take turns by account when all together are too many', async () => {
    start();
    const accounts = ['AC1', 'AC2', 'AC3', 'AC4'];
    const all = accounts.flatMap((account) => Array.from({ length: 30 }, () => call(account)));
    await until(() => open.length === 64);
    all.push(call('AC5'), call('AC6'));
    answer(8);
    await until(() => open.length === 64);
    expect(arrived.slice(64)).toEqual(expect.arrayContaining(['AC5', 'AC6']));
    for (let left = 122 - 8; left > 0; left -= 1) {
      await until(() => open.length > 0);
      answer(1);
    }
    for (const { status } of await Promise.all(all)) expect(status).toBe(200);
  });

  it('hold 8 MiB of an account, and more of others', async () => {
    start();
    const body = { type: 'text/plain', text: 'x'.repeat(1_000_000) };
    const held = Array.from({ length: 8 }, () => call('AC1', { body }));
    expect(await call('AC1', { body })).toMatchObject({ status: 503, retryAfter: 1 });
    const other = call('AC2', { body });
    await until(() => arrived.includes('AC2'));
    open.splice(open.findIndex(({ account }) => account === 'AC2'), 1)[0]!.response.end('{}');
    expect(await other).toMatchObject({ status: 200 });
    await until(() => open.length === 8);
    answer(8);
    await Promise.all(held);
  });

  it('are given up in time, those that wait for their turn as well; then there is room again', async () => {
    start(300);
    const answers = await Promise.all(Array.from({ length: 40 }, () => call('AC1')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    // Those given up may still arrive, on a busy machine after the next one: only that is answered.
    const next = call('AC1', { path: '/next' });
    const isNext = ({ path }: { path: string }) => path === '/next';
    await until(() => open.some(isNext));
    open.find(isNext)!.response.end('{}');
    expect(await next).toMatchObject({ status: 200 });
  });

  it('that only read are asked once more when the kept connection they went by breaks, as where the REST API is restarted; changes are not', async () => {
    start();
    const read = (path: string) => call('AC1', { method: 'GET', path });
    const breaking = new Set(['/once', '/change']);
    server.removeAllListeners('request').on('request', ({ url, socket }, response: ServerResponse) => {
      arrived.push(url!);
      if (url === '/always' || breaking.delete(url!)) socket.destroy();
      else response.end('{}');
    });
    expect(await read('/first')).toMatchObject({ status: 200 });
    expect(await read('/once')).toMatchObject({ status: 200 });
    expect(await read('/always')).toMatchObject({ status: 503 });
    expect(await read('/between')).toMatchObject({ status: 200 });
    expect(await call('AC1', { path: '/change' })).toMatchObject({ status: 503 });
    expect(arrived).toEqual(['/first', '/once', '/once', '/always', '/always', '/between', '/change']);
  });

  it('that cannot be sent at all are answered', async () => {
    start();
    expect(await call('AC1', { credentials: { authorization: 'Bearer x\n' } })).toMatchObject({ status: 503 });
  });
});
