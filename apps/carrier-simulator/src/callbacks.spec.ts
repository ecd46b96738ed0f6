/** What a person wrote is told in order, also when the first webhook fails and the database is slow to say what is due. */
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { newSid } from '@parley/domain/sid';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Callbacks } from './callbacks.js';

let db: TestDatabase;
beforeAll(async () => { db = await testDatabase(); });
afterAll(() => db.drop());

const soon = async (condition: () => boolean) => {
  for (const end = Date.now() + 60_000; !condition(); ) {
    if (Date.now() > end) throw new Error('not so within 60 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

it('does not let the second overtake the first while the first is put off', async () => {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => { body += String(chunk); }).on('end', () => {
      heard.push(new URLSearchParams(body).get('Body')!);
      response.writeHead(heard.length === 1 ? 503 : 200).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const account = newSid('AC');
  await db.pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [account, db.box.seal('t')]);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  for (const body of ['one', 'two'])
    await db.pool.query("insert into simulator.callback (account, lane, url, form, due_at) values ($1, 'lane', $2, $3, now())", [account, url, { Body: body }]);

  // A look that asks before the first is put off, and hears the answer when the pause seems over.
  let looks = 0;
  let asked = Infinity;
  const after = (millis: number) => soon(() => Date.now() > asked + millis);
  const slow = {
    async query(query: { name?: string } | string, values?: unknown[]) {
      if (typeof query === 'string' && query.startsWith('update simulator.callback set attempts')) {
        callbacks.lookIn(0);
        await after(300);
      }
      const answer = await db.pool.query(query as string, values);
      if (typeof query === 'object' && query.name === 'owed-callbacks' && ++looks === 2) {
        asked = Date.now();
        await after(350);
      }
      return answer;
    },
  } as unknown as Pool;
  const callbacks = new Callbacks(slow, new Accounts(db.pool, db.box));
  callbacks.lookIn(0);
  await soon(() => heard.length >= 3);
  await callbacks.stop();
  server.closeAllConnections();
  server.close();
  expect(heard).toEqual(['one', 'one', 'two']);
});

it('has no more in memory than it can pass over quickly, and posts all that is owed', async () => {
  const owed = 2_500;
  let heard = 0;
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const server = createServer((request, response) => void request.resume().on('end', () => void opened.then(() => { heard++; response.writeHead(200).end(); }))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const account = newSid('AC');
  await db.pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [account, db.box.seal('t')]);
  await db.pool.query("insert into simulator.callback (account, lane, url, form, due_at) select $1, n::text, $2, '{}', now() from generate_series(1, $3) n",
    [account, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, owed]);
  let looks = 0;
  let most = 0;
  const watched = {
    query(query: { name?: string; values?: [number, number[]] } | string, values?: unknown[]) {
      if (typeof query === 'object' && query.name === 'next-callback') looks++;
      if (typeof query === 'object' && query.name === 'owed-callbacks') most = Math.max(most, query.values![0] + query.values![1].length);
      return db.pool.query(query as string, values);
    },
  } as unknown as Pool;
  const callbacks = new Callbacks(watched, new Accounts(db.pool, db.box));
  callbacks.lookIn(0);
  await soon(() => looks >= 8);
  expect(most).toBe(1_000);
  open();
  await soon(() => heard >= owed);
  expect(most).toBe(1_000);
  await callbacks.stop();
  server.closeAllConnections();
  server.close();
});
