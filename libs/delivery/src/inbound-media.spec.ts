/** Files of inbound messages: fetched from a played carrier into a real storage, with everything a carrier can answer. */
import type { InboundMessage } from '@parley/channel/inbound-event';
import type { Carriers } from './carriers.js';
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { DiskStorage } from '@parley/media/disk-storage';
import { mediaKey } from '@parley/media/media-storage';
import { attachMedia } from '@parley/media/media-store';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './delivery.testing.js';
import { InboundMedia, noteInboundMedia } from './inbound-media.js';

const png = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(500, 7)]);
type Answer = (request: IncomingMessage, response: ServerResponse) => void;
let db: TestDatabase;
let folder: string;
let base: string;
let other: string;
let answer: Answer;
const asked: { url: string; authorization: string | undefined }[] = [];
const played = () => createServer((request, response) => {
  asked.push({ url: request.url!, authorization: request.headers.authorization });
  answer(request, response);
});
const servers = [played(), played()];
beforeAll(async () => {
  db = await testDatabase();
  folder = await mkdtemp(join(tmpdir(), 'parley-inbound-'));
  for (const server of servers) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  [base, other] = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`) as [string, string];
});
afterAll(async () => {
  for (const server of servers) server.close();
  await db?.drop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  asked.length = 0;
  answer = (_request, response) => response.end(png);
});

const account = newSid('AC');
const worker = (privateAllowed = true) => new InboundMedia(
  db.pool, new DiskStorage(folder), { adapterFor: async () => ({ mediaHeaders: (url: string) => (url.startsWith(base) ? { authorization: 'Basic x' } : {}) }) } as unknown as Carriers,
  { channel: 'sms', bytesMax: 1000, privateAllowed },
);
const row = async (sid: string) => (await db.pool.query('select * from media.media where sid = $1', [sid])).rows[0];

/** A message with one file at that address, already stored. */
async function arrived(url: string, contentType = 'image/png', of = account): Promise<string> {
  const event = { channel: 'sms', to: '+1', media: [{ contentType, url }] } as InboundMessage;
  const [file] = (await noteInboundMedia(db.pool, of, event, `twilio:${newSid('MM')}`))!;
  await attachMedia(db.pool, [file!.sid], newSid('CH'), newSid('IM'));
  return file!.sid;
}

it('comes into the storage, with its size and what it is', async () => {
  const sid = await arrived(`${base}/media/1`, 'image/jpeg');
  await worker().work();
  expect(await row(sid)).toMatchObject({ state: 'stored', size: png.length, content_type: 'image/png', source: null, expires_at: null });
  const stored = await (await new DiskStorage(folder).read(mediaKey(account, sid))).toArray();
  expect(Buffer.concat(stored as Buffer[]).equals(png)).toBe(true);
});
it('is fetched with the carrier’s credentials, which nobody else sees', async () => {
  answer = (request, response) => (request.url === '/at-carrier' ? response.writeHead(307, { location: `${other}/elsewhere` }).end() : response.end(png));
  const sid = await arrived(`${base}/at-carrier`);
  await worker().work();
  expect(asked).toEqual([{ url: '/at-carrier', authorization: 'Basic x' }, { url: '/elsewhere', authorization: undefined }]);
  expect((await row(sid)).state).toBe('stored');
});
it.each<[string, Answer]>([
  ['is not there', (_request, response) => response.writeHead(404).end()], ['is too large', (_request, response) => response.end(Buffer.alloc(1001))],
  ['leads in circles', (_request, response) => response.writeHead(302, { location: '/again' }).end()],
])('that %s is given up', async (_, as) => {
  answer = as;
  const sid = await arrived(`${base}/x`);
  await worker().work();
  expect((await row(sid)).state).toBe('failed');
});
it.each<[string, Answer]>([
  ['answers 503', (_request, response) => response.writeHead(503).end()], ['wants another protocol', ({ socket }) => socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n')],
  ['breaks off', (_request, response) => response.writeHead(200, { 'content-length': '100' }).end('x', () => response.destroy())],
])('of a carrier that %s is fetched later', async (_, as) => {
  answer = as;
  const sid = await arrived(`${base}/x`);
  await worker().work();
  expect(await row(sid)).toMatchObject({ state: 'fetching', attempts: 1 });
  answer = (_request, response) => response.end(png);
  await worker().work(); // not due yet
  expect((await row(sid)).state).toBe('fetching');
  await db.pool.query('update media.media set due_at = now() where sid = $1', [sid]);
  await worker().work();
  expect((await row(sid)).state).toBe('stored');
});
it('is never fetched from a private network, nor without TLS', async () => {
  const sids = [await arrived(`${base}/x`), await arrived('http://files.example.com/x'), await arrived('https://169.254.169.254/latest'), await arrived('https://localhost./x')];
  await worker(false).work();
  expect(asked).toEqual([]);
  expect(await Promise.all(sids.map(async (sid) => (await row(sid)).state))).toEqual(Array(4).fill('failed'));
});
it('of an unrouted message stays where it is', async () => {
  const event = { channel: 'sms', to: '+1', media: [{ contentType: 'image/png', url: `${base}/x` }] } as InboundMessage;
  const reference = `twilio:${newSid('MM')}`;
  const [first, again] = [await noteInboundMedia(db.pool, account, event, reference), await noteInboundMedia(db.pool, account, event, reference)];
  expect(again).toEqual(first);
  await worker().work();
  expect(asked).toEqual([]);
});
it('that went with its message while it was fetched leaves nothing', async () => {
  const sid = await arrived(`${base}/x`);
  answer = (_request, response) => void db.pool.query('delete from media.media where sid = $1', [sid]).then(() => response.end(png));
  await worker().work();
  expect((await db.pool.query('select 1 from media.removal where sid = $1', [sid])).rows).toHaveLength(1);
});
describe('one that hangs', () => {
  const hanging = new Set<ServerResponse>();
  beforeEach(async () => {
    await db.pool.query('delete from media.media');
    hanging.clear();
    answer = (request, response) => (request.url!.startsWith('/hangs') ? void hanging.add(response) : response.end(png));
  });
  const stored = (sid: string) => until(async () => (await row(sid)).state === 'stored');

  it('delays no other account, and of its own only what is beyond its share', async () => {
    const many = await Promise.all(Array.from({ length: 6 }, (_, n) => arrived(`${base}/hangs/${n}`)));
    const fetching = worker();
    const working = fetching.work();
    await until(() => hanging.size === 4);
    const theirs = await arrived(`${other}/quick`, 'image/png', newSid('AC'));
    fetching.soon();
    await stored(theirs);
    expect(hanging.size).toBe(4);
    const [first] = hanging;
    first!.end(png); // its place is taken at once
    await until(() => hanging.size === 5);
    await until(async () => (await Promise.all(many.map(row))).filter(({ state }) => state === 'stored').length === 1);
    for (let ended = 1; ended < 6; ended++) {
      await until(() => hanging.size > ended);
      [...hanging][ended]!.end(png);
    }
    await working;
    expect((await Promise.all(many.map(row))).map(({ state }) => state)).toEqual(Array(6).fill('stored'));
  });
  it('at one host delays no other host, whoever has files there', async () => {
    const accounts = Array.from({ length: 12 }, () => newSid('AC'));
    for (const of of accounts) await arrived(`${base}/hangs`, 'image/png', of);
    const fetching = worker();
    const working = fetching.work();
    await until(() => hanging.size === 8);
    const elsewhere = await arrived(`${other}/quick`, 'image/png', accounts.at(-1)!);
    fetching.soon();
    await stored(elsewhere);
    expect(hanging.size).toBe(8);
    for (let ended = 0; ended < 12; ended++) {
      await until(() => hanging.size > ended);
      [...hanging][ended]!.end(png);
    }
    await working;
  });
});
