/**
 * Media as files of this machine (default: PARLEY_HOME/media). A file appears under its name only when it is complete and on
 * the disk: received beside, synced, renamed, and the folder synced too.
 */
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { MediaGone, type ByteRange, type MediaStorage, type SpooledFile } from './media-storage.js';

const PRIVATE_FOLDER = 0o700;

export class DiskStorage implements MediaStorage {
  readonly spoolFolder: string;

  constructor(private readonly folder: string) {
    this.spoolFolder = join(folder, 'incoming');
  }

  async put(key: string, { path }: SpooledFile): Promise<void> {
    const target = join(this.folder, key);
    await mkdir(dirname(target), { recursive: true, mode: PRIVATE_FOLDER });
    await rename(path, target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EXDEV') throw error; // received on another disk
      return copyBeside(path, target);
    });
    await sync(dirname(target));
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    // Opened first: what is gone is told as an error, not by a stream that breaks.
    const file = await open(join(this.folder, key)).catch(gone);
    return range ? createReadStream('', { fd: file, ...range }) : createReadStream('', { fd: file });
  }

  async remove(key: string): Promise<void> {
    await rm(join(this.folder, key), { force: true });
  }
}

async function copyBeside(from: string, target: string): Promise<void> {
  const beside = `${target}.part`;
  await copyFile(from, beside);
  await sync(beside);
  await rename(beside, target);
  await rm(from, { force: true });
}

/** A rename lasts when its folder is on the disk. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function gone(error: NodeJS.ErrnoException): never {
  throw error.code === 'ENOENT' ? new MediaGone() : error;
}
