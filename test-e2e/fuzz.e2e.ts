/**
 * Generated requests against the whole API, by our OpenAPI document: never a 5xx, a hang, another account's data, or a
 * process that is gone. PARLEY_FUZZ_REQUESTS (default 20,000) and PARLEY_FUZZ_SEED (printed) choose others.
 */
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { Random } from '../tools/chaos/random.ts';
import { faultIn, type Received } from './fuzz/answer-judge.js';
import { RequestGenerator, type GeneratedRequest, type Known, type OpenApi } from './fuzz/generated-requests.js';
import { Parley, START_MS, topology, type Credentials } from './installation.js';

const REQUESTS = Number(process.env['PARLEY_FUZZ_REQUESTS'] ?? 20_000);
const SEED = Number(process.env['PARLEY_FUZZ_SEED'] ?? Date.now() % 2 ** 32);
const AT_ONCE = 12;
/** On a slow machine fewer requests; more of them by option take the time they take. */
const LONGEST_MS = REQUESTS > 20_000 ? Infinity : 90_000;
const ANSWER_MS = 20_000;
const MARK = 'what only the other account knows';

let parley: Parley;
let other: Credentials;
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
beforeAll(async () => {
  parley = await Parley.start();
  other = await parley.newAccount();
}, START_MS);
afterAll(async () => {
  agent.destroy();
  await parley?.stop();
}, START_MS);

/** A connection that the server closes just then is no answer: once more. */
const answerTo = (request: GeneratedRequest): Promise<Received> =>
  send(request).catch(() => send(request)).catch((error: Error) => ({ status: 599, type: '', text: String(error) }));

function send({ method, path, headers, body }: GeneratedRequest): Promise<Received> {
  const { accountSid, authToken } = parley.account;
  return new Promise((resolve, reject) => {
    const request = httpRequest(parley.url, {
      path: path.replaceAll(/[^\x21-\x7e]/g, encodeURIComponent), method, agent, timeout: ANSWER_MS,
      headers: { ...headers, authorization: `Basic ${btoa(`${accountSid}:${authToken}`)}`, ...(body && { 'content-length': body.length }) },
    }, (response) => {
      textOf(response).then((text) => resolve({ status: response.statusCode!, type: String(response.headers['content-type']), text }), reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
    request.on('error', reject);
    request.end(body);
  });
}

let furnished = 0;
/** One of each, in the service given; answers with their SIDs and the names they go by. */
async function furnish(as: Credentials, owner: string, mark: string): Promise<{ sids: string[]; names: string[] }> {
  const sids: string[] = [];
  const make = async (path: string, form: Record<string, string>): Promise<string> => {
    const { status, body } = await parley.request(path.startsWith('/') ? path : `/v1/Services/${as.serviceSid}/${path}`, { body: new URLSearchParams(form).toString(), as });
    if (status >= 300) return `XX${'0'.repeat(32)}`; // a limit is reached, or a hook that was configured refuses
    sids.push(body.sid);
    return body.sid;
  };
  const names = [`unique ${owner}`, `identity ${owner}`];
  const conversation = await make('Conversations', { UniqueName: names[0]!, FriendlyName: mark, Attributes: JSON.stringify({ mark }) });
  await make(`Conversations/${conversation}/Messages`, { Body: mark, Author: names[1]! });
  await make(`Conversations/${conversation}/Participants`, { Identity: names[1]! });
  await make(`Conversations/${conversation}/Webhooks`, { 'Target': 'webhook', 'Configuration.Url': 'http://127.0.0.1:9/', 'Configuration.Filters': 'onMessageRemoved' });
  await make('Roles', { FriendlyName: `r ${owner}`, Type: 'conversation', Permission: 'sendMessage' });
  await make('/v1/Credentials', { Type: 'fcm', FriendlyName: mark, Secret: 'a key' });
  await make('/v1/Configuration/Addresses', { Type: 'sms', Address: `+1555${String(++furnished).padStart(7, '0')}`, FriendlyName: mark });
  await make('Users', { Identity: `user ${owner}`, FriendlyName: mark });
  sids.push(as.accountSid);
  await make('/2010-04-01/Accounts.json', { FriendlyName: mark });
  await make('/v1/Keys', { AccountSid: as.accountSid, FriendlyName: mark });
  return { sids, names };
}

/** All an account has, for comparison. */
async function inventory(as: Credentials): Promise<unknown[]> {
  const lists = ['Conversations', 'Users', 'Roles', 'Configuration', 'Configuration/Webhooks', 'Services', 'Credentials', 'Configuration/Addresses'];
  const accounts = ['/2010-04-01/Accounts.json', `/2010-04-01/Accounts/${as.accountSid}/Keys.json`];
  const answers = await Promise.all([...lists.map((path) => `/v1/${path}`), ...accounts].map((path) => parley.request(path, { as })));
  const [conversation] = answers[0]!.body.conversations as { links: Record<string, string> }[];
  const inside = await Promise.all(['messages', 'participants', 'webhooks'].map((link) => parley.request(conversation!.links[link]!.slice(parley.url.length), { as })));
  return [...answers, ...inside].map(({ body }) => body);
}

describe(`generated requests (${topology})`, () => {
  it('are answered, one by one, as the API answers', async () => {
    const theirs = await furnish(other, 'theirs', MARK);
    const before = await inventory(other);
    const document = (await parley.request('/openapi.json', { as: null })).body as OpenApi;
    let mine = await furnish(parley.account, 'mine 0', 'mine');
    const known = (): Known => ({
      sids: [...mine.sids, ...mine.sids, ...theirs.sids, parley.account.serviceSid, other.serviceSid], names: [...mine.names, ...theirs.names],
      service: parley.account.serviceSid, otherServices: [other.serviceSid],
    });
    const generator = new RequestGenerator(document, new Random(SEED), known());
    const statuses = new Map<number, number>();
    const faults: string[] = [];
    let sent = 0;
    const began = Date.now();
    process.stderr.write(`fuzz: seed ${SEED}, ${REQUESTS} requests\n`);
    const worker = async () => {
      while (sent < REQUESTS && faults.length < 20 && Date.now() - began < LONGEST_MS) {
        if (++sent % 100 === 0) {
          mine = await furnish(parley.account, `mine ${sent}`, 'mine');
          generator.known = known();
        }
        const request = generator.next();
        const answer = await answerTo(request);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const fault = faultIn(request, answer, [MARK, `"account_sid":"${other.accountSid}`, `"owner_account_sid":"${other.accountSid}`]);
        if (fault) faults.push(`${fault}: ${request.method} ${request.path.slice(0, 200)} ${JSON.stringify(request.headers).slice(0, 200)} ${String(request.body).slice(0, 300)} -> ${answer.status} ${answer.text.slice(0, 300)}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const told = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`).join(', ');
    process.stderr.write(`fuzz: ${sent} requests in ${((Date.now() - began) / 1000).toFixed(1)} s; ${told}\n`);
    expect(faults).toEqual([]);
    // Not all at the door: credentials hold to the end, and much is accepted.
    expect(statuses.get(401) ?? 0).toBe(0);
    expect((statuses.get(200) ?? 0) + (statuses.get(201) ?? 0)).toBeGreaterThan(sent / 20);
    expect(await inventory(other)).toEqual(before);
  }, 3_600_000);

  it('may be no HTTP at all', async () => {
    const random = new Random(SEED);
    const valid = Buffer.from(`POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${btoa(`${parley.account.accountSid}:${parley.account.authToken}`)}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 14\r\nConnection: close\r\n\r\nFriendlyName=x`);
    const { port, hostname } = new URL(parley.url);
    const statuses: string[] = [];
    for (let i = 0; i < 300; i++) {
      const bytes = Buffer.from(valid);
      for (let n = 0; n < 1 + (i % 4); n++) bytes[Math.floor(random.between(0, bytes.length))] = Math.floor(random.between(0, 256));
      statuses.push(await new Promise<string>((resolve) => {
        const socket = connect(Number(port), hostname, () => socket.end(bytes));
        let answer = '';
        socket.setTimeout(ANSWER_MS, () => { resolve('hangs'); socket.destroy(); });
        socket.on('data', (data) => { answer += data.toString('latin1'); });
        socket.on('error', () => resolve('')).on('close', () => resolve(answer.slice(9, 12)));
      }));
    }
    expect(statuses.filter((status) => status === 'hangs' || (status.startsWith('5') && status !== '501' && status !== '503'))).toEqual([]);
  }, 120_000);

  it('leave the processes as they were', async () => {
    const { pids } = parley.installation.info;
    for (const pid of Object.values(pids)) expect(process.kill(pid, 0)).toBe(true);
    expect((await parley.request('/health', { as: null })).status).toBe(200);
    const { accountSid, serviceSid } = other;
    const made = await parley.request(`/v1/Services/${serviceSid}/Conversations`, { body: 'FriendlyName=after', as: other });
    expect([made.status, made.body.account_sid]).toEqual([201, accountSid]);
  });
});
