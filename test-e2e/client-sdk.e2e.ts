/**
 * An application made with the official client SDK, on every version we promise, in one process and as services: some ninety
 * named steps each (client-sdk/main.ts). Nothing of the SDK is changed but the address it connects to.
 */
import { WebSocket } from 'ws';
import { accessToken } from '../tools/bench/access-token.ts';
import { inParallel } from '../tools/bench/rest-client.ts';
import { Acceptance } from './client-sdk/acceptance.js';
import { sdkVersions, type SdkVersion } from './client-sdk/versions.js';
import { Parley, START_MS, until } from './installation.js';

const STORY_MS = 180_000;
const AT_ONCE = 32;

/** Where the thousand are made matters little, how often costs time. */
describe.each([['in one process', false, 1_000], ['as services', true, 200]])('the official client SDK %s', (_, services, many) => {
  const BUSY = 'in very many conversations';
  let parley: Parley;
  let runs: Record<SdkVersion, Acceptance>;
  beforeAll(async () => {
    parley = await Parley.start({ services });
    const { home } = parley.installation;
    runs = Object.fromEntries(sdkVersions.map((version) => [version, new Acceptance(home, version, '--busy', BUSY, '--conversations', String(many))])) as typeof runs;
  }, START_MS);
  afterAll(async () => {
    for (const run of Object.values(runs ?? {})) run.stop();
    await parley?.stop();
  }, START_MS);

  it(`somebody is brought into ${many} conversations meanwhile`, () => inParallel(many, AT_ONCE, async () => {
    const { conversations } = parley.sdk().conversations.v1;
    const { sid } = await conversations.create({});
    await conversations(sid).participants.create({ identity: BUSY });
  }), STORY_MS);

  it.each(sdkVersions)('%s: two people, step by step', async (version) => {
    const { passed, problem } = await runs[version].outcome;
    expect(problem).toBe('');
    expect(passed.length).toBeGreaterThanOrEqual(90);
  }, STORY_MS);

  if (!services) notTheProtocol(() => parley);
});

function notTheProtocol(parley: () => Parley) {
describe('sockets that do not speak the protocol', () => {
  const frame = (head: object | string, payload = '') => {
    const text = typeof head === 'string' ? head : JSON.stringify(head);
    return Buffer.from(`TWILSOCK V3.0 ${Buffer.byteLength(text)}\r\n${text}\r\n${payload}`);
  };
  const closedBy = (data: Buffer | string): Promise<number> => new Promise((resolve, reject) => {
    const socket = new WebSocket(parley().installation.info.clientWsUrl);
    socket.on('open', () => socket.send(data));
    socket.on('close', resolve);
    socket.on('error', reject);
  });

  it.each<[string, Buffer | string, number]>([
    ['text', 'hello', 1003], ['no frame', Buffer.from('hello'), 4000], ['a header cut off', Buffer.from('TWILSOCK V3.0 500\r\n{}'), 4000],
    ['a header that is no JSON', frame('{method'), 4000], ['a request before init', frame({ method: 'message', id: 'TM1' }), 4001],
    ['no token', frame({ method: 'init', id: 'TM1' }), 4001], ['too much', Buffer.alloc(300_000), 1009],
  ])('%s closes with a code that says why', async (_, data, code) => expect(await closedBy(data)).toBe(code));

  it('requests that make no sense are answered, and the socket lives', async () => {
    const socket = new WebSocket(parley().installation.info.clientWsUrl);
    const answers: Record<string, any> = {};
    socket.on('message', (data: Buffer) => {
      const { id, http_status, method } = JSON.parse(data.toString().split('\r\n')[1]!) as { id: string; http_status?: { code: number }; method: string };
      if (method === 'reply') answers[id] = http_status?.code ?? 'ok';
    });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(frame({ method: 'init', id: 'init', token: accessToken(parley().account, 'fuzz') }));
    await until(async () => answers['init'], 'it is let in');
    const ask = (id: string, http_request: unknown, payload = '') =>
      socket.send(frame({ method: 'message', id, http_request, payload_type: 'application/json', payload_size: Buffer.byteLength(payload) }, payload));
    const get = (path: string, params: object = {}) => ({ host: 'h', method: 'GET', path, params });
    const cases: [unknown, string, number][] = [
      [null, '', 400], [{ method: 'GET', path: 7 }, '', 400], [get('/'), '', 404], [get('/v9/Nothing'), '', 404], [get('/v3/Maps/%E0%A4%A'), '', 400],
      [get('/v3/Maps/MP00'), '', 404], [get(`/v3/Lists/ES${'0'.repeat(32)}/Items`), '', 404], [get('/v3/Maps/US1.info', { PageToken: '!!' }), '', 404],
      [{ ...get('/v4/Subscriptions'), method: 'POST' }, '{"action":"establish","correlation_id":1,"requests":[null]}', 400], [{ ...get('/v4/Subscriptions'), method: 'POST' }, '[]', 400],
      [{ ...get('/v1/typing'), method: 'POST' }, '', 403], [{ ...get('/Client/v2/Conversations'), method: 'PATCH' }, '{}', 405],
      [{ ...get('/Client/v2/Conversations'), method: 'POST' }, '{"friendly_name":{"a":[1]},"attributes":"{"}', 400], [{ ...get('/Client/v2/Conversations/CH1/Messages'), method: 'POST' }, '{"media_sids":7}', 404],
      [get('/Client/v2/Users/..%2F..%2Fx'), '', 404], [{ ...get('/v3/Documents/x'), method: 'DELETE' }, '{}', 403],
    ];
    cases.forEach(([request, payload], i) => ask(`case${i}`, request, payload));
    await until(async () => cases.every((_, i) => answers[`case${i}`] !== undefined), `all are answered: ${JSON.stringify(answers)}`);
    expect(cases.map((_, i) => answers[`case${i}`])).toEqual(cases.map(([, , status]) => status));
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.terminate();
  }, STORY_MS);
});
}
