/**
 * Receives a file: streamed to disk, measured, hashed and cut off at its limit on the way. Of a 150 MB upload the process
 * holds one chunk and the first 4 KB, which tell what kind of file it really is.
 */
import { newSid } from '@parley/domain/sid';
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { MediaStorage, SpooledFile } from './media-storage.js';

/** file-type looks no further. */
const HEAD_BYTES = 4100;
const LEFT_OVER_MILLIS = 3_600_000;

export type Received = SpooledFile & { head: Buffer };

export class TooLarge extends Error {
  override name = 'TooLarge';
}

/** Throws TooLarge, and what the source throws; nothing is left on the disk then. */
export async function receive({ spoolFolder }: MediaStorage, source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Received> {
  await mkdir(spoolFolder, { recursive: true, mode: 0o700 });
  const path = join(spoolFolder, newSid('ME'));
  const file = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  const head: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of source) {
      if (size + chunk.length > bytesMax) throw new TooLarge();
      if (size < HEAD_BYTES) head.push(chunk.subarray(0, HEAD_BYTES - size));
      size += chunk.length;
      hash.update(chunk);
      await writeAll(file, chunk);
    }
    await file.sync();
    return { path, size, sha256: hash.digest('hex'), head: Buffer.concat(head) };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** When nobody wants it after all. */
export const discard = ({ path }: SpooledFile): Promise<void> => rm(path, { force: true });

/** What a process that died was receiving. */
export async function removeLeftOver({ spoolFolder }: MediaStorage, now: number = Date.now()): Promise<void> {
  for (const name of await readdir(spoolFolder).catch(() => [])) {
    const path = join(spoolFolder, name);
    const age = now - ((await stat(path).catch(() => undefined))?.mtimeMs ?? now);
    if (age > LEFT_OVER_MILLIS) await rm(path, { force: true });
  }
}

async function writeAll(file: { write(b: Uint8Array, offset: number): Promise<{ bytesWritten: number }> }, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.length; ) written += (await file.write(chunk, written)).bytesWritten;
}
