/** What a carrier's HTTP answers mean, each played on a real socket. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { callCarrier, jsonOf, refusalOf, retryAfter } from './http-call.js';
import { SendError } from './send-error.js';

let respond: RequestListener = () => {};
const server = createServer((request, response) => respond(request, response));
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const called = (as: RequestListener) => {
  respond = as;
  return callCarrier(url, { json: { a: 1 }, signal: AbortSignal.timeout(30_000), lookup: undefined });
};
const failure = async (as: RequestListener) => {
  const error: unknown = await called(as).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SendError);
  return error;
};
const refused = (status: number, headers = {}) => refusalOf({ status, headers: new Headers(headers) });

describe('a call', () => {
  it('sends JSON and reads the answer', async () => {
    const answer = await called((request, response) => void request.pipe(response.writeHead(202)));
    expect([answer.status, answer.ok, jsonOf(answer)]).toEqual([202, true, { a: 1 }]);
  });
  it('does not follow where it is sent on to', async () => {
    const answer = await called((_, response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end());
    expect(refusalOf(answer)).toMatchObject({ outcome: 'retryable', code: 'unreachable' });
  });
  it('that was taken but not answered to the end is ambiguous', async () => {
    const cut: RequestListener = (_, response) => response.writeHead(200, { 'content-length': '99' }).end('{', () => response.destroy());
    expect(await failure(cut)).toMatchObject({ outcome: 'ambiguous' });
    expect(await failure((_, response) => response.end('x'.repeat(1_100_000)))).toMatchObject({ outcome: 'ambiguous' });
  });
  it('of a form that is given up in the middle is ambiguous', async () => {
    const form = new FormData();
    form.set('file', new Blob([Buffer.alloc(100_000)]), 'a.bin');
    respond = (request) => void request.pause();
    const given = Array.from({ length: 20 }, (_, i) => callCarrier(url, { body: form, lookup: undefined, signal: AbortSignal.timeout(i) }).catch((thrown: unknown) => thrown));
    for (const error of await Promise.all(given)) expect(error).toMatchObject({ name: 'SendError', outcome: 'ambiguous' });
  });
  it('of a form brings its fields and files', async () => {
    const form = new FormData();
    form.set('to', 'ana@example.com');
    form.set('file', new Blob(['x'], { type: 'text/plain' }), 'a.txt');
    let came: FormData | undefined;
    respond = async (request, response) => {
      came = await new Response(Buffer.concat(await request.toArray()), { headers: { 'content-type': request.headers['content-type']! } }).formData();
      response.end('{}');
    };
    await callCarrier(url, { body: form, lookup: undefined, signal: AbortSignal.timeout(30_000) });
    expect([came!.get('to'), (came!.get('file') as File).name, await (came!.get('file') as File).text()]).toEqual(['ana@example.com', 'a.txt', 'x']);
  });
  it('that was refused with half an answer is refused', async () => {
    const answer = await called((_, response) => void response.writeHead(400, { 'content-length': '99' }).end('{', () => response.destroy()));
    expect([answer.status, jsonOf(answer)]).toEqual([400, {}]);
  });
});

describe('a call to a name', () => {
  const at = (lookup: LookupFunction) => callCarrier(`http://carrier.example.com:${new URL(url).port}/`, { json: { a: 1 }, signal: AbortSignal.timeout(30_000), lookup });
  it('goes where it is looked up, at each connect', async () => {
    respond = (request, response) => void request.pipe(response.writeHead(200));
    let asked = 0;
    const here: LookupFunction = (_name, { all }, done) => {
      asked++;
      if (all) done(null, [{ address: '127.0.0.1', family: 4 }]);
      else done(null, '127.0.0.1', 4);
    };
    expect([jsonOf(await at(here)), asked]).toEqual([{ a: 1 }, 1]);
  });
  it('that may not lead there leaves nothing sent', async () => {
    let reached = 0;
    respond = (_, response) => { reached++; response.end(); };
    const inside: LookupFunction = (_name, _options, done) => done(Object.assign(new Error('inside'), { code: 'EPRIVATE' }), '', 0);
    await expect(at(inside)).rejects.toMatchObject({ outcome: 'retryable', code: 'unreachable' });
    expect(reached).toBe(0);
  });
});

describe('an answer of', () => {
  it.each([
    [400, 'permanent', 30008], [401, 'retryable', 20003], [402, 'retryable', 30002], [404, 'permanent', 30008], [413, 'permanent', 30019], [422, 'permanent', 30008],
    [408, 'ambiguous', 30008], [429, 'retryable', 20429], [500, 'ambiguous', 30008], [503, 'ambiguous', 30008],
  ])('%s is %s', (status, outcome, errorCode) => expect(refused(status)).toMatchObject({ outcome, errorCode }));
  it('a carrier that gives a reason counts by the reason', () => {
    expect(refusalOf({ status: 400, headers: new Headers() }, 'opted_out')).toMatchObject({ outcome: 'permanent', code: 'opted_out', errorCode: 21610 });
  });
  it('a carrier that says something is quoted: by its code, else by its words, else by its status', () => {
    const quoted = (said?: { code?: string; words?: unknown }) => refusalOf({ status: 400, headers: new Headers() }, undefined, said).carrierCode;
    expect([quoted({ code: '10016', words: 'x' }), quoted({ words: ' not\n here \0' }), quoted({ words: { odd: 1 } }), quoted()]).toEqual(['10016', 'HTTP 400: not here', 'HTTP 400', 'HTTP 400']);
    expect(quoted({ words: 'x'.repeat(1_000) })).toHaveLength(200);
  });
});

describe('Retry-After', () => {
  it.each([['2', 2_000], ['0.5', 500], ['0', undefined], ['soon', undefined], ['99999', 3_600_000], ['Mon, 01 Jan 2001 00:00:00 GMT', undefined]])(
    '%s is %s ms', (header, millis) => expect(retryAfter(new Headers({ 'retry-after': header })).retryAfterMillis).toBe(millis));
  it('may be a date', () => {
    expect(retryAfter(new Headers({ 'retry-after': new Date(Date.now() + 60_000).toUTCString() })).retryAfterMillis).toBeGreaterThan(50_000);
  });
});
