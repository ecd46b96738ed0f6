/** Where names lead is decided at each connect, by whoever opened the connection. */
import { createServer } from 'node:net';
import type { AddressInfo, LookupFunction } from 'node:net';
import { addressBy, dial } from './dial.js';

let connected = 0;
const server = createServer((socket) => { connected++; socket.end(); });
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => { connected = 0; });

const refusing: LookupFunction = (_name, _options, done) => done(Object.assign(new Error('inside'), { code: 'EPRIVATE' }), '', 0);
const here: LookupFunction = (_name, { all }, done) => (all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4));
const dialled = (lookup: LookupFunction, host = 'carrier.example.com', tls = false) =>
  dial({ host, port: (server.address() as AddressInfo).port, tls, responseMillis: 5_000, lookup }, new AbortController().signal);

it('connects to what the name is looked up as', async () => {
  const socket = await dialled(here);
  for (const end = Date.now() + 30_000; connected === 0 && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 5)); // the server hears of it when it can
  socket.destroy();
  expect(connected).toBe(1);
});
it.each([[false], [true]])('connects to nothing where the name may not lead, TLS: %s', async (tls) => {
  await expect(dialled(refusing, undefined, tls)).rejects.toMatchObject({ code: 'EPRIVATE' });
  expect(connected).toBe(0);
});
it.each([[false], [true]])('gives up on what does not answer, TLS: %s, and says that nothing left', async (tls) => {
  const silent = createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const never: LookupFunction = () => {};
  const { port } = silent.address() as AddressInfo;
  await expect(dial({ host: 'carrier.example.com', port, tls, responseMillis: 50, lookup: tls ? here : never }, new AbortController().signal)).rejects.toMatchObject({ code: 'ETIMEDOUT', timeoutType: 'CONNECT_TIMEOUT' });
  await new Promise((resolve) => silent.close(resolve));
});
it('tells clients that look up themselves an address, and the name of its certificate', async () => {
  expect([await addressBy(here, 'imap.example.com'), await addressBy(here, '127.0.0.1')]).toEqual([{ host: '127.0.0.1', servername: 'imap.example.com' }, { host: '127.0.0.1' }]);
  await expect(addressBy(refusing, 'imap.example.com')).rejects.toMatchObject({ code: 'EPRIVATE' });
});
