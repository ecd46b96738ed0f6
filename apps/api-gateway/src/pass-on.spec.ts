/** What is passed on to processes of ours: as it came, and 503 where nobody answers. */
import { fastify as makeFastify } from 'fastify';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { passOn } from './pass-on.js';

const upstream = createServer((request, response) => {
  if (request.url === '/webhooks/breaks') return void request.socket.destroy();
  let body = '';
  request.setEncoding('latin1').on('data', (part: string) => { body += part; }).on('end', () => response.writeHead(207).end(`${request.method} ${request.url} ${request.headers['content-type']} ${body.length}`));
});
const listen = (server: Server) => new Promise<number>((resolve) => { server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)); });
const gateway = makeFastify();
let base: string;
beforeAll(async () => {
  const gone = createServer();
  const closed = await listen(gone);
  await new Promise((resolve) => { gone.close(resolve); });
  await passOn(gateway as never, '/webhooks', `http://127.0.0.1:${await listen(upstream)}`);
  await passOn(gateway as never, '/simulator', `http://127.0.0.1:${closed}`);
  base = await gateway.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(async () => {
  await gateway.close();
  upstream.closeAllConnections();
  await new Promise((resolve) => { upstream.close(resolve); });
});

it('goes on as it came, whatever it is and how long', async () => {
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain']) {
    const answer = await fetch(`${base}/webhooks/telnyx/CX1?a=%20b`, { method: 'POST', headers: { 'content-type': type }, body: 'x'.repeat(3_000_000) });
    expect([answer.status, await answer.text()]).toEqual([207, `POST /webhooks/telnyx/CX1?a=%20b ${type} 3000000`]);
  }
});
it.each(['/simulator/x', '/webhooks/breaks'])('is answered 503 where nobody answers, without a word about our inside: %s', async (path) => {
  const answer = await fetch(base + path, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([503, '1', expect.objectContaining({ code: 20503, status: 503 })]);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
});
