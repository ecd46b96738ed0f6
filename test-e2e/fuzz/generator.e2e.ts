/**
 * The generator of requests tested itself: it reaches all that the document declares, what it calls fitting fits, and a server
 * with one planted fault of each kind is found out, with the request made small.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { faultIn } from './answer-judge.js';
import { readOperations, type Schema } from './api-document.js';
import { runCampaign, type Outcome } from './campaign.js';
import { anyRequest, requestOf, type GeneratedRequest } from './generated-request.js';
import type { Stock } from './prepared-accounts.js';
import { atTheEdge, fitting } from './schema-values.js';
import { curlCommand, onTheWire } from './wire-request.js';

const SEED = 7;
const operations = readOperations();
const nobody: Stock = { mine: [{}], theirs: [{}], strangers: [{}], spare: [{}] };

describe('requests from our document', () => {
  let sample: GeneratedRequest[];
  beforeAll(() => { sample = fc.sample(anyRequest(operations), { numRuns: 20_000, seed: SEED }); });

  it('ask for every operation, with every parameter and every field, in its place', () => {
    const asked = new Map<string, GeneratedRequest[]>();
    for (const request of sample) asked.set(request.operation.title, [...(asked.get(request.operation.title) ?? []), request]);
    const missing = operations.flatMap(({ title, parameters, body }) => {
      const requests = asked.get(title) ?? [];
      const queries = parameters.filter((parameter) => parameter.in === 'query').filter(({ name }) => !requests.some(({ query }) => query.includes(`${name}=`)));
      const headers = parameters.filter((parameter) => parameter.in === 'header').filter(({ name }) => !requests.some(({ headers }) => name in headers));
      const fields = Object.keys(body?.schema.properties ?? {}).filter((name) => !requests.some(({ body }) => typeof body === 'string' && body.length < 100_000 && body.includes(name)));
      return requests.length === 0 ? [title] : [...[...queries, ...headers].map(({ name }) => name), ...fields].map((name) => `${title} ${name}`);
    });
    expect(missing).toEqual([]);
  });
  it('are of all kinds: wrong verbs, types and callers, control characters, repetitions, others\' SIDs, long and small', () => {
    const some = (check: (request: GeneratedRequest) => boolean) => sample.filter(check).length;
    const bodies = (pattern: RegExp) => some(({ body }) => typeof body === 'string' && body.length < 100_000 && pattern.test(body));
    expect({
      verb: some(({ operation, method }) => method !== operation.method) > 300, type: some(({ operation, headers, body }) => body !== undefined && headers['content-type'] !== operation.body?.type) > 300,
      callers: (['mine', 'strangers', 'spare', 'nobody'] as const).filter((whose) => some((request) => request.whose === whose) < 50), theirs: some(({ path }) => path.includes('~theirs.')) > 1000,
      nul: bodies(/%00/) > 50, emoji: bodies(/%F0%9F%98%80/) > 50, long: some(({ body }) => (body?.length ?? 0) > 20_000) > 20, tooLong: some(({ body }) => (body?.length ?? 0) > 2 ** 20) > 5,
      bytes: some(({ body }) => body instanceof Uint8Array) > 50, twice: some(({ query }) => /(?:^|&)(\w+)=[^&]*&\1=/.test(query)) > 50, tokens: some(({ query }) => /PageToken=P[TB]/.test(query)) > 100,
    }).toEqual({ verb: true, type: true, callers: [], theirs: true, nul: true, emoji: true, long: true, tooLong: true, bytes: true, twice: true, tokens: true });
  });
  it('are the same for the same seed', () =>
    expect(fc.sample(anyRequest(operations), { numRuns: 200, seed: SEED })).toEqual(sample.slice(0, 200)));
});

describe('values from a schema', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const schemas = operations.flatMap(({ title, parameters, body }) => [
    ...parameters.filter((parameter) => parameter.in !== 'path').map(({ name, schema }): [string, string, Schema] => [title, name, schema]),
    ...Object.entries(body?.schema.properties ?? {}).map(([name, schema]): [string, string, Schema] => [title, name, schema]),
  ]);
  const distinct = [...new Map(schemas.map((one) => [`${one[1]} ${JSON.stringify(one[2])}`, one])).values()];
  const filled = (value: unknown) => JSON.parse(onTheWire({ ...fc.sample(requestOf(operations[0]!), 1)[0]!, path: '', query: '', headers: {}, body: JSON.stringify(value) }, nobody).body!.toString()) as unknown;

  it.each(distinct)('that fit, fit: %s %s', (_, name, schema) => {
    const fits = ajv.compile(schema);
    for (const value of fc.sample(fitting(schema, name), { numRuns: 30, seed: SEED }).map(filled)) expect([value, fits(value)]).toEqual([value, true]);
  });
  it.each(distinct.filter(([, , { maxLength, enum: words }]) => maxLength ?? words))('at the edge do and do not: %s %s', (_, _name, schema) => {
    const fits = ajv.compile(schema);
    const verdicts = fc.sample(atTheEdge(schema), { numRuns: 200, seed: SEED }).map((value) => fits(value));
    expect(verdicts).toContain(false);
    if (schema.maxLength !== undefined) expect(verdicts).toContain(true);
  });
});

describe('a server with a fault', () => {
  const refused = { code: 20404, message: 'none', more_info: 'https://www.twilio.com/docs/errors/20404', status: 404 };
  type Answer = { status?: number; type?: string; body?: string } | 'none';
  async function against(answer: (request: IncomingMessage, body: string) => Answer, patience = { answerMillis: 30_000, shrinkMillis: 20_000 }): Promise<Outcome> {
    const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const given = answer(request, await textOf(request));
      if (given === 'none') return;
      const { status = 404, type = 'application/json', body = JSON.stringify({ ...refused, status }) } = given;
      response.writeHead(status, { 'content-type': type }).end(body);
    };
    const server = createServer((request, response) => void respond(request, response));
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    try {
      return await runCampaign({
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arbitrary: requestOf(operations.find(({ title }) => title === 'POST /v1/Conversations')!),
        requests: 2000, seed: SEED, atOnce: 4, ...patience, stock: () => nobody,
        judge: (request, received) => (received.status === 417 || received.status === 431 ? undefined : faultIn(request, received, ['the mark'])), // by Node itself
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('is found, and the request made small', async () => {
    const { faults } = await against((_, body) => (body.includes('FriendlyName=') && body.includes('%00') ? { status: 500 } : {}));
    expect(faults).not.toEqual([]);
    for (const fault of faults) expect(fault).toMatch(/status 500[^]*--data-raw '?FriendlyName=/);
    expect(Math.min(...faults.map((fault) => /--data-raw (.*)/.exec(fault)![1]!.length))).toBeLessThan(60);
  });
  it.each<[string, (request: IncomingMessage) => Answer]>([
    ['status 503', () => ({ status: 503 })],
    ['status 501', ({ method }) => (method === 'POST' ? { status: 501 } : {})],
    ['tells the mark', () => ({ status: 200, body: '{"friendly_name":"the mark"}' })],
    ['a refusal as text/html', () => ({ type: 'text/html', body: 'no' })],
    ['no error of ours', () => ({ body: '{"error":"Not Found"}' })],
    ['says status 400', () => ({ body: JSON.stringify({ ...refused, status: 400 }) })],
    ['tells of our inside', () => ({ body: JSON.stringify({ ...refused, message: 'TypeError: x\n    at f (/srv/a.js:1)' }) })],
    ['status 302', () => ({ status: 302 })],
    ['status 200 for nobody', ({ headers }) => (headers.authorization ? {} : { status: 200, body: '{}' })],
    ['no answer within 3000 ms', ({ method }) => (method === 'POST' ? 'none' : {})],
  ])('is told from a sound one: %s', async (what, answer) => expect((await against(answer, what.includes('3000 ms') ? { answerMillis: 3000, shrinkMillis: 2000 } : undefined)).faults.join('\n')).toContain(what), 120_000);
  it('is not seen where there is none', async () => {
    const { faults, sent } = await against(() => ({}));
    expect([faults, sent]).toEqual([[], 2000]);
  });
});

describe('the curl command of a request', () => {
  it('says every byte', () => {
    const curl = (body: string | undefined, headers = {}) => curlCommand('http://h', { method: 'POST', path: "/v1/'x'?a=%00", headers, body: body === undefined ? undefined : Buffer.from(body) });
    expect(curl('a=1', { 'x-empty': '', 'x-odd': 'é' })).toBe(String.raw`curl -i --path-as-is -g -X POST -H 'x-empty;' -H $'x-odd: \xe9' 'http://h/v1/'\''x'\''?a=%00' --data-raw a=1`);
    expect(curl("it's\0ü%")).toBe(String.raw`printf 'it\x27s\x00\xc3\xbc%%' | curl -i --path-as-is -g -X POST 'http://h/v1/'\''x'\''?a=%00' --data-binary @-`);
    expect(curl(undefined)).toBe(String.raw`curl -i --path-as-is -g -X POST 'http://h/v1/'\''x'\''?a=%00'`);
  });
});
