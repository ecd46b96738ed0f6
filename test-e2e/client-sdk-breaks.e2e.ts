/**
 * The official client SDK when things break: lines that are cut while people write, tokens that end, sockets that talk nonsense.
 * Whatever happens, each message is told of once, in order.
 */
import { WebSocket } from 'ws';
import { accessToken } from '../tools/bench/access-token.ts';
import { BreakableLine } from './breakable-line.js';
import { Parley, START_MS, topology, until } from './installation.js';
import { SdkClient, sdkVersions } from './sdk-client.js';

const STORY_MS = 180_000;
const CUTS = 4;
const EACH = 15;
let parley: Parley;
beforeAll(async () => { parley = await Parley.start(); }, START_MS);
afterAll(() => parley?.stop(), START_MS);

async function conversationOf(...identities: string[]): Promise<string> {
  const conversations = parley.sdk().conversations.v1.conversations;
  const { sid } = await conversations.create({ friendlyName: 'Line' });
  for (const identity of identities) await conversations(sid).participants.create({ identity });
  return sid;
}
const say = (sid: string, body: string) => parley.sdk().conversations.v1.conversations(sid).messages.create({ author: 'system', body });

describe.each(sdkVersions)(`a client %s on a line that is cut (${topology})`, (version) => {
  const carol = `carol ${version}`;
  let line: BreakableLine;
  let client: SdkClient;
  beforeAll(async () => { line = await BreakableLine.to(parley.installation.info.clientWsUrl); });
  afterAll(async () => {
    await client?.stop();
    await line?.close();
  });

  it('is told of each message once and in order, of edits, of those who came and of what it was removed from', async () => {
    const [sid, other] = [await conversationOf(carol), await conversationOf(carol)];
    client = await SdkClient.start(parley, version, carol, { uri: line.url });
    const conversation = await client.conversation(sid);
    await client.conversation(other);
    const first = await say(sid, 'first');
    await client.next('messageAdded', ({ body }) => body === 'first');
    const sent: string[] = [];
    for (let cut = 0; cut < CUTS; cut++) {
      const writing = (async () => {
        for (let i = 0; i < EACH; i++) {
          sent.push(`${cut}-${i}`);
          await say(sid, `${cut}-${i}`);
        }
      })();
      await until(async () => sent.length > cut * EACH + cut * 3, 'some are sent');
      line.cut();
      await writing;
      line.mend();
      await until(async () => client.added.length >= sent.length, 'all arrived', 30_000);
    }
    expect(client.added).toEqual(sent);
    client.seen.length = 0;

    line.cut();
    await parley.sdk().conversations.v1.conversations(sid).messages(first.sid).update({ body: 'changed' });
    await parley.sdk().conversations.v1.conversations(sid).participants.create({ identity: 'newcomer' });
    await parley.sdk().conversations.v1.conversations(other).participants(carol).remove();
    const joined = await conversationOf(carol);
    line.mend();
    expect((await client.next('participantJoined')).identity).toBe('newcomer');
    expect((await client.next('conversationLeft')).sid).toBe(other);
    await client.next('conversationJoined', (each) => each.sid === joined);
    await until(async () => (await conversation.getMessages(100, 0, 'forward')).items[0].body === 'changed', 'the edit is known');
    expect(client.added).toEqual([]);
  }, STORY_MS);
});

describe(`tokens (${topology})`, () => {
  const tokenFor = async (identity: string, seconds: number): Promise<string> =>
    (JSON.parse(await parley.command('token', 'access', identity, '--seconds', String(seconds))) as { token: string }).token;

  it('warn before they end, are renewed, and end the connection', async () => {
    const client = await SdkClient.start(parley, '3.0.1', 'dora', { token: await tokenFor('dora', 100) });
    try {
      await client.next('tokenAboutToExpire');
      await client.client.updateToken(accessToken(parley.account, 'dora'));
      expect(client.client.connectionState).toBe('connected');
      await client.client.updateToken(await tokenFor('dora', 1));
      await client.next('tokenExpired');
      await until(async () => client.client.connectionState === 'disconnected', 'it is away');
      await client.client.updateToken(accessToken(parley.account, 'dora'));
      await until(async () => client.client.connectionState === 'connected', 'it is back');
      await expect(client.client.updateToken(accessToken(parley.account, 'somebody else'))).rejects.toBeDefined();
    } finally {
      await client.stop();
    }
  }, STORY_MS);

  it.each([
    ['no token', () => 'nonsense', 20101], ['signed by another key', () => accessToken({ ...parley.account, apiKeySecret: 'x'.repeat(32) }, 'eve'), 20107],
  ])('are refused: %s', async (_, token, code) => {
    await expect(SdkClient.start(parley, '3.0.1', 'eve', { token: token() })).rejects.toMatchObject({ status: 401, code });
  }, STORY_MS);
});

describe(`sockets that do not speak the protocol (${topology})`, () => {
  const frame = (head: object | string, payload = '') => {
    const text = typeof head === 'string' ? head : JSON.stringify(head);
    return Buffer.from(`TWILSOCK V3.0 ${Buffer.byteLength(text)}\r\n${text}\r\n${payload}`);
  };
  const closedBy = (data: Buffer | string): Promise<number> => new Promise((resolve, reject) => {
    const socket = new WebSocket(parley.installation.info.clientWsUrl);
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
    const socket = new WebSocket(parley.installation.info.clientWsUrl);
    const answers: Record<string, any> = {};
    socket.on('message', (data: Buffer) => {
      const { id, http_status, method } = JSON.parse(data.toString().split('\r\n')[1]!) as { id: string; http_status?: { code: number }; method: string };
      if (method === 'reply') answers[id] = http_status?.code ?? 'ok';
    });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(frame({ method: 'init', id: 'init', token: accessToken(parley.account, 'fuzz') }));
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
