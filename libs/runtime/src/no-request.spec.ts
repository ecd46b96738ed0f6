/** Whoever sends no request is answered like everybody else: by status, in the API's form, once. */
import Fastify, { type FastifyInstance } from 'fastify';
import { connect, type AddressInfo } from 'node:net';
import { refuseBytes, refuseExpectations } from './no-request.js';

let server: FastifyInstance;
beforeAll(async () => {
  server = Fastify({ clientErrorHandler: refuseBytes });
  server.get('/', () => ({}));
  server.get('/half', (_, reply) => { reply.hijack().raw.writeHead(200, { 'Content-Length': 10 }).write('half'); });
  refuseExpectations(server.server);
  await server.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => server.close());

/** All that comes back until the connection ends. */
const answerTo = (bytes: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = '';
    const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1', () => socket.end(bytes));
    socket.on('data', (data) => { answer += data.toString(); });
    socket.on('error', () => {}).on('close', () => resolve(answer));
  });

it.each([
  ['no HTTP', 400, 'hello\r\n\r\n'],
  ['a control character in the head', 400, 'GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n'],
  ['two lengths', 400, 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ['a head without measure', 431, `GET /?${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
  ['an expectation', 417, 'GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n'],
])('%s is %d', async (_, status, bytes) => {
  const [head, body] = (await answerTo(bytes)).split('\r\n\r\n') as [string, string];
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*content-type: application/json`, 'i'));
  expect(head).toMatch(/connection: close/i);
  expect(JSON.parse(body)).toEqual({ code: 20001, message: 'Invalid parameter: request', more_info: 'https://www.twilio.com/docs/errors/20001', status });
});

it('does not write into the middle of another answer', async () => {
  const answer = await new Promise<string>((resolve) => {
    let text = '';
    const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1', () => socket.write('GET /half HTTP/1.1\r\nHost: x\r\n\r\n'));
    socket.on('data', (data) => {
      text += data.toString();
      if (text.endsWith('half')) socket.write('no HTTP\r\n\r\n');
    }).on('error', () => {}).on('close', () => resolve(text));
  });
  expect(answer).toMatch(/^HTTP\/1.1 200 /);
  expect(answer.endsWith('half')).toBe(true);
});
it('goes on answering requests', async () => expect(await answerTo('GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 100 [^]*HTTP\/1.1 200 /));
