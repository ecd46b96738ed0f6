/** Both storages pass the same tests; S3 against a real server of that protocol (it knows its access keys, and does not compute signatures). */
import { newSid } from '@parley/domain/sid';
import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
// @ts-expect-error it comes without types
import S3rver from 's3rver';
import { configuredStorage } from './configured-storage.js';
import { MediaGone, mediaKey, type MediaStorage } from './media-storage.js';
import { S3Storage } from './s3-storage.js';
import { discard, receive, removeLeftOver, TooLarge } from './spool.js';

const bytesOf = async (stream: Readable) => Buffer.concat((await stream.toArray()) as Buffer[]);
async function* chunks(...of: (Buffer | Error)[]) {
  for (const chunk of of) {
    if (chunk instanceof Error) throw chunk;
    yield chunk;
  }
}

let folder: string;
let server: { run(): Promise<AddressInfo>; close(): Promise<void> };
let s3Env: NodeJS.ProcessEnv;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-storage-'));
  server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory: join(folder, 's3'), configureBuckets: [{ name: 'media', configs: [] }] });
  const { port } = await server.run();
  s3Env = {
    MEDIA_FOLDER: join(folder, 'spool'), MEDIA_STORAGE: 's3', MEDIA_S3_ENDPOINT: `http://127.0.0.1:${port}/`, MEDIA_S3_BUCKET: 'media',
    MEDIA_S3_ACCESS_KEY_ID: 'S3RVER', MEDIA_S3_SECRET_ACCESS_KEY: 'S3RVER',
  };
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

describe.each(['disk', 's3'])('%s', (kind) => {
  const storage = (): MediaStorage => configuredStorage(kind === 'disk' ? { MEDIA_FOLDER: join(folder, 'disk') } : s3Env);
  const put = async (content: Buffer, key = mediaKey(newSid('AC'), newSid('ME'))) => {
    await storage().put(key, await receive(storage(), chunks(content), 1e9), 'image/png');
    return key;
  };
  it('gives back what it was given, whole and in part', async () => {
    const content = Buffer.alloc(3_000_000, 'abcdefg');
    const key = await put(content);
    expect((await bytesOf(await storage().read(key))).equals(content)).toBe(true);
    expect((await bytesOf(await storage().read(key, { start: 1, end: 4 }))).toString()).toBe('bcde');
    expect(await readdir(storage().spoolFolder)).toEqual([]);
  });
  it('replaces', async () => {
    const key = await put(Buffer.from('one'));
    await put(Buffer.from('second'), key);
    expect((await bytesOf(await storage().read(key))).toString()).toBe('second');
  });
  it('removes, also twice; what is gone is told so', async () => {
    const key = await put(Buffer.from('x'));
    await storage().remove(key);
    await storage().remove(key);
    await expect(storage().read(key)).rejects.toThrow(MediaGone);
    await expect(storage().read(mediaKey(newSid('AC'), newSid('ME')))).rejects.toThrow(MediaGone);
  });
});

describe('s3', () => {
  it('with an unknown access key is an error and not "gone"', async () => {
    const wrong = configuredStorage({ ...s3Env, MEDIA_S3_ACCESS_KEY_ID: 'unknown' });
    await expect(wrong.read(mediaKey(newSid('AC'), newSid('ME')))).rejects.toThrow('the media storage answered 403');
  });
  it('gives up a storage that says nothing, not a reader who takes his time', async () => {
    const content = Buffer.alloc(20_000_000, 'slow');
    const large = createServer((request, response) => { if (request.url!.endsWith('large')) response.end(content); }).listen(0, '127.0.0.1');
    await once(large, 'listening');
    const storage = new S3Storage({
      endpoint: `http://127.0.0.1:${(large.address() as AddressInfo).port}`, bucket: 'b', region: 'r', accessKeyId: 'k', secretAccessKey: 's',
      spoolFolder: folder, silenceMillis: 1_500,
    });
    const reading = await storage.read('large');
    await once(reading, 'readable');
    // Twice, one after the other: so long the reader has not touched what came.
    for (const silent of ['one', 'two']) await expect(storage.read(silent)).rejects.toThrow('the media storage does not answer');
    expect((await bytesOf(reading)).equals(content)).toBe(true);
    large.closeAllConnections();
    large.close();
  });
});

describe('the spool', () => {
  const storage = () => configuredStorage({ MEDIA_FOLDER: join(folder, 'spooled') });
  it('measures, hashes and keeps the beginning', async () => {
    const file = await receive(storage(), chunks(Buffer.from('ab'), Buffer.alloc(9000, 'c')), 9002);
    expect(file).toMatchObject({ size: 9002, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(file.head.length).toBe(4100);
    expect((await bytesOf(createReadStream(file.path))).length).toBe(9002);
    await discard(file);
  });
  it('leaves nothing of what is too large or breaks off', async () => {
    await expect(receive(storage(), chunks(Buffer.alloc(10), Buffer.alloc(1)), 10)).rejects.toThrow(TooLarge);
    await expect(receive(storage(), chunks(Buffer.alloc(10), new Error('gone')), 100)).rejects.toThrow('gone');
    expect(await readdir(storage().spoolFolder)).toEqual([]);
  });
  it('keeps what is being received, forgets what was left an hour ago', async () => {
    const file = await receive(storage(), chunks(Buffer.from('x')), 10);
    await removeLeftOver(storage());
    expect(await readdir(storage().spoolFolder)).toHaveLength(1);
    await removeLeftOver(storage(), Date.now() + 3_700_000);
    expect(await readdir(storage().spoolFolder)).toEqual([]);
    await discard(file);
  });
});

describe('a key', () => {
  it.each([['AC1', newSid('ME')], [newSid('AC'), '../../etc/passwd'], [newSid('AC'), `ME${'/'.repeat(32)}`]])('is never made of %s and %s', (account, sid) =>
    expect(() => mediaKey(account, sid)).toThrow());
});
it.each([[{ MEDIA_STORAGE: 'tape' }, 'tape'], [{ MEDIA_STORAGE: 's3' }, 'MEDIA_S3_ENDPOINT is not set'], [{ MEDIA_STORAGE: 's3', MEDIA_S3_ENDPOINT: 'x' }, 'must begin']])(
  '%j says what is wrong', (env, message) => expect(() => configuredStorage(env)).toThrow(message));

