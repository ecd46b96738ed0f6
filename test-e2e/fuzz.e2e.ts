/**
 * Generated requests against the whole API, by our OpenAPI document: never a 5xx, a hang, another account's data, or a
 * process that is gone. PARLEY_FUZZ_REQUESTS (default 20,000) and PARLEY_FUZZ_SEED choose others; a request that
 * is answered wrongly is made as small as it can be and printed as a curl command.
 */
import { connect } from 'node:net';
import fc from 'fast-check';
import { faultIn, faultInRefusal } from './fuzz/answer-judge.js';
import { readOperations } from './fuzz/api-document.js';
import { runCampaign } from './fuzz/campaign.js';
import { anyRequest, SETS, type GeneratedRequest } from './fuzz/generated-request.js';
import { PreparedAccounts } from './fuzz/prepared-accounts.js';
import { basic } from './caller.js';
import { Parley, START_MS, topology } from './installation.js';
import { crashesOf } from './parts.js';

const REQUESTS = Number(process.env['PARLEY_FUZZ_REQUESTS'] ?? 20_000);
const SEED = Number(process.env['PARLEY_FUZZ_SEED'] ?? 20_261_123);
const AT_ONCE = 16;
const ANSWER_MS = 30_000;
/** Resources are deleted as they are asked for: after this many requests a set of them is new. */
const RENEW_AFTER = 250;
const RAW_REQUESTS = 300;

let parley: Parley;
let accounts: PreparedAccounts;
let crashes: string[];
let pids: Record<string, number>;
beforeAll(async () => {
  parley = await Parley.start();
  crashes = crashesOf(parley);
  pids = { ...parley.installation.info.pids };
  accounts = await PreparedAccounts.prepare(parley);
}, START_MS);
afterAll(() => parley?.stop(), START_MS);

/** What may not be told, by who asks. */
function foreignTo({ whose }: GeneratedRequest): string[] {
  const { marks: { mine, theirs, strangers }, other } = accounts;
  const ofOther = [theirs, `"account_sid":"${other.accountSid}`, `"owner_account_sid":"${other.accountSid}`];
  if (whose === 'mine') return [...ofOther, strangers];
  return whose === 'strangers' ? [...ofOther, mine] : [...ofOther, mine, strangers];
}

describe(`generated requests (${topology})`, () => {
  it('are answered, one by one, as the API answers', async () => {
    const before = await accounts.inventory();
    process.stderr.write(`fuzz: seed ${SEED}, ${REQUESTS} requests\n`);
    const { sent, seconds, slowestMillis, statuses, faults } = await runCampaign({
      url: parley.url, arbitrary: anyRequest(readOperations()), requests: REQUESTS, seed: SEED, atOnce: AT_ONCE, answerMillis: ANSWER_MS,
      stock: () => accounts.stock, judge: (request, answer) => faultIn(request, answer, foreignTo(request)),
      after: async (number, request, { status, text }) => {
        accounts.learn(request, status, text);
        if (number % RENEW_AFTER === 0) await accounts.renew((number / RENEW_AFTER) % SETS);
      },
    });
    const told = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`).join(', ');
    process.stderr.write(`fuzz: ${sent} requests in ${seconds.toFixed(1)} s, the slowest in ${slowestMillis.toFixed(0)} ms; ${told}\n`);
    for (const fault of faults) process.stderr.write(`fuzz: ${fault}\n`);
    expect(faults).toEqual([]);
    expect(sent).toBeGreaterThanOrEqual(REQUESTS);
    // Not all at the door: credentials hold to the end, and much is accepted.
    expect((statuses.get(200) ?? 0) + (statuses.get(201) ?? 0)).toBeGreaterThan(sent / 10);
    expect(statuses.get(401) ?? 0).toBeLessThan(sent / 5);
    expect((await parley.request('/v1/Conversations')).status).toBe(200);
    expect(await accounts.inventory()).toEqual(before);
  }, 3_600_000);

  it('may be no HTTP at all', async () => {
    const { accountSid, authToken } = parley.account;
    const valid = Buffer.from(`POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(accountSid, authToken)}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 14\r\nConnection: close\r\n\r\nFriendlyName=x`);
    const changes = fc.array(fc.record({ at: fc.nat(valid.length - 1), byte: fc.nat(255) }), { minLength: 1, maxLength: 6 });
    await fc.assert(fc.asyncProperty(changes, fc.nat(valid.length), async (changes, cut) => {
      const bytes = Buffer.from(valid);
      for (const { at, byte } of changes) bytes[at] = byte;
      const answer = await answerToBytes(cut % 5 === 0 ? bytes.subarray(0, cut) : bytes);
      if (answer === '') return; // closed without a word: it may be no request yet
      const status = Number(answer.slice(9, 12));
      expect(status).toBeLessThan(500);
      const [head = ''] = answer.split('\r\n\r\n', 1);
      // Where the length got lost, the body is taken for a second request and answered too.
      const text = answer.slice(head.length + 4).slice(0, Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Infinity));
      // Node itself answers who names no host.
      const asked = bytes.toString('latin1');
      if (status >= 400 && !asked.startsWith('HEAD ') && /\r\nhost: *\S/i.test(asked)) expect([faultInRefusal({ status, headers: { 'content-type': /content-type: (.+)/i.exec(head)?.[1] }, text }), answer]).toEqual([undefined, answer]);
    }), { seed: SEED, numRuns: RAW_REQUESTS });
  }, 600_000);

  it('leave the processes as they were', async () => {
    expect(crashes).toEqual([]);
    expect(parley.installation.info.pids).toEqual(pids);
    for (const pid of Object.values(pids)) expect(process.kill(pid, 0)).toBe(true);
    expect((await parley.request('/health', { as: null })).status).toBe(200);
    await accounts.renew(0);
    for (const as of [parley.account, accounts.other]) {
      const made = await parley.request(`/v1/Services/${as.serviceSid}/Conversations`, { body: 'FriendlyName=after', as });
      expect([made.status, made.body.account_sid]).toEqual([201, as.accountSid]);
      expect((await parley.request(`/v1/Services/${as.serviceSid}/Conversations/${made.body.sid}`, { as })).body).toEqual(made.body);
    }
  });
});

/** All that comes back until the connection ends. */
function answerToBytes(bytes: Buffer): Promise<string> {
  const { port, hostname } = new URL(parley.url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.end(bytes));
    socket.setTimeout(ANSWER_MS, () => {
      reject(new Error(`no answer within ${ANSWER_MS} ms`));
      socket.destroy();
    });
    socket.on('data', (data) => { answer += data.toString('latin1'); });
    socket.on('error', () => resolve('')).on('close', () => resolve(answer));
  });
}
