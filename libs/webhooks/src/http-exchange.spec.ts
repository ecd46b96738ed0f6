import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ANSWER_BYTES_MAX, HttpExchange, type HttpRequest } from './http-exchange.js';
import { publicLookup } from './target-address.js';

const kept = { idleMillis: 60_000, maxFree: 4 };
let exchange: HttpExchange;
let server: Server;
let handle: (request: IncomingMessage, response: ServerResponse, body: string) => void;
let origin: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString())).on('end', () => handle(request, response, body));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => { exchange = new HttpExchange(kept); });

const ask = (request: Partial<HttpRequest> = {}, url = origin) =>
  exchange.ask(new URL(url), { method: 'POST', headers: {}, signal: AbortSignal.timeout(30_000), ...request });
const codeOf = (promise: Promise<unknown>) => promise.then(() => 'answered', ({ code, message }: NodeJS.ErrnoException) => code ?? message);

it('sends what it was given and gives what was answered', async () => {
  handle = ({ method, headers }, response, body) => void response.writeHead(429, { 'Retry-After': '7' }).end(`${method} ${headers.authorization} ${headers['content-length']} ${body}`);
  const { status, body, header } = await ask({ body: 'grüß', auth: 'me:secret' });
  expect([status, body, header('retry-after'), header('x-none')]).toEqual([429, `POST Basic ${btoa('me:secret')} 6 grüß`, '7', undefined]);
  expect(await ask({ method: 'GET' })).toMatchObject({ body: 'GET undefined undefined ' });
});

it('does not follow redirects', async () => {
  handle = (_request, response) => response.writeHead(307, { Location: `${origin}/elsewhere` }).end();
  expect(await ask()).toMatchObject({ status: 307 });
});

it('reads an answer only so far', async () => {
  handle = (_request, response) => {
    const more = () => { if (!response.destroyed && response.write('x'.repeat(16_384))) setImmediate(more); };
    response.on('drain', more);
    more();
  };
  const { status, body } = await ask();
  expect([status, body.length]).toEqual([200, ANSWER_BYTES_MAX]);
});

it('is ended by its signal, while nothing comes and while the answer trickles', async () => {
  handle = () => {};
  expect(await codeOf(ask({ signal: AbortSignal.timeout(100) }))).toBe('ABORT_ERR');
  const cut = new AbortController();
  handle = (_request, response) => response.write('a', () => cut.abort());
  expect(await codeOf(ask({ signal: cut.signal }))).toBe('ABORT_ERR');
});

it('is not held by who wants to speak another protocol', async () => {
  handle = (request) => request.socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n');
  expect(await codeOf(ask())).toBe('no answer');
});

it('asks once more when a kept connection was closed meanwhile, and no new one twice', async () => {
  const used = new Set<unknown>();
  let asked = 0;
  handle = ({ socket }, response) => {
    asked++;
    if (used.has(socket)) return void socket.destroy();
    used.add(socket);
    response.end('once');
  };
  expect([await ask(), await ask()]).toMatchObject([{ body: 'once' }, { body: 'once' }]);
  expect([asked, used.size]).toEqual([3, 2]);
  handle = ({ socket }) => { asked++; socket.destroy(); };
  expect([await codeOf(ask()), asked]).toEqual(['ECONNRESET', 4]);
});

it('asks by what a name means to it, over no connection that another opened', async () => {
  handle = (_request, response) => void response.end('inside');
  const named = origin.replace('127.0.0.1', 'localhost');
  expect(await ask({}, named)).toMatchObject({ body: 'inside' });
  exchange = new HttpExchange({ ...kept, lookup: publicLookup });
  expect(await codeOf(ask({}, named))).toBe('EPRIVATE');
});

it('refuses what is not HTTP', async () => expect(await codeOf(ask({}, 'ftp://127.0.0.1/'))).toBe('ERR_INVALID_PROTOCOL'));
