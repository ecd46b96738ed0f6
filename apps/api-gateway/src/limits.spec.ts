/** Too much, and without what it stands on: the gateway says so and comes back by itself. */
import { createPool } from '@parley/event-store/database';
import { until } from '@parley/event-store/database.testing';
import { TestGateway } from './gateway.testing.js';

describe('over the rate limit', () => {
  let gateway: TestGateway;
  beforeAll(async () => { gateway = await TestGateway.start({ RATE_LIMIT_RPS: '1' }); });
  afterAll(() => gateway.stop());

  it('is 429 with Retry-After, for that account alone', async () => {
    const { account, other } = gateway;
    // At once: one after the other, on a slow machine there would be room again for each.
    const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.call('/Configuration', { as: account })));
    const limited = answers.find(({ status }) => status === 429);
    expect(limited!.body).toMatchObject({ code: 20429, status: 429 });
    expect(Number(limited!.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await gateway.call('/Configuration', { as: other })).status).toBe(200);
  });
});

describe('without the database', () => {
  let gateway: TestGateway;
  beforeAll(async () => { gateway = await TestGateway.start(); });
  afterAll(() => gateway.stop());

  it('is 503 with Retry-After, and works again when it is back', async () => {
    const server = createPool(process.env['TEST_DATABASE_URL']!, { max: 1 });
    const name = new URL(gateway.database.url).pathname.slice(1);
    const conversation = await gateway.conversation();
    const read = () => gateway.call(`/Conversations/${conversation}`);
    expect((await read()).status).toBe(200);
    await server.query(`alter database ${name} allow_connections false`);
    await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'parley-read'`, [name]);
    const away = await read();
    expect([away.status, away.body.code, away.headers.get('retry-after')]).toEqual([503, 20503, '1']);
    await server.query(`alter database ${name} allow_connections true`);
    await server.end();
    expect((await read()).status).toBe(200);
  });
  it('asks again, on another connection, what a breaking one did not answer', async () => {
    const { pool } = gateway.database;
    const conversation = await gateway.conversation();
    const holder = await pool.connect();
    await holder.query('begin');
    await holder.query('lock table model.conversation');
    const read = gateway.call(`/Conversations/${conversation}`);
    const waiting = "from pg_stat_activity where datname = current_database() and application_name = 'parley-read' and wait_event_type = 'Lock'";
    await until(async () => (await pool.query(`select pg_terminate_backend(pid) ${waiting}`)).rowCount === 1);
    await holder.query('rollback');
    holder.release();
    expect((await read).status).toBe(200);
  });
  it('serves many reads at once over its few connections', async () => {
    const conversation = await gateway.conversation();
    const reads = Array.from({ length: 50 }, () => gateway.call(`/Conversations/${conversation}/Messages`));
    expect(new Set((await Promise.all(reads)).map(({ status }) => status))).toEqual(new Set([200]));
  });
});

describe('headers of every answer', () => {
  let gateway: TestGateway;
  beforeAll(async () => { gateway = await TestGateway.start(); });
  afterAll(() => gateway.stop());

  it.each([['/Configuration', 200], ['/Tea', 404]])('%s', async (path, status) => {
    const answer = await gateway.call(path);
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true', 'content-type': 'application/json; charset=utf-8',
      'access-control-expose-headers': expect.stringContaining('Twilio-Request-Id'), 'twilio-request-id': expect.stringMatching(/^RQ[0-9a-f]{32}$/),
      'twilio-request-duration': expect.stringMatching(/^\d+\.\d{3}$/),
    });
  });
  it('a preflight needs no credentials', async () => {
    const { status, headers } = await gateway.call('/Conversations', { method: 'OPTIONS', as: null });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-methods')).toContain('DELETE');
  });
});
