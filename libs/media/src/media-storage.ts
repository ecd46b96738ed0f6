/**
 * The port to where the bytes of media are kept. What comes in lies in a file of this machine first (spool.ts), complete and
 * measured, so a storage never sees half of a file and never has to guess a length.
 */
import { isSid } from '@parley/domain/sid';
import type { Readable } from 'node:stream';

/** A received file, complete, on this machine. */
export type SpooledFile = {
  path: string;
  size: number;
  /** Hex. */
  sha256: string;
};
/** Both ends included, as HTTP counts them. */
export type ByteRange = { start: number; end: number };

export interface MediaStorage {
  /** Where files are received: the disk storage moves them from here without a copy. */
  readonly spoolFolder: string;
  /** Durable when it resolves. The file may have been moved away. The same key again replaces. */
  put(key: string, file: SpooledFile, contentType: string): Promise<void>;
  /** Throws MediaGone when there is no such key. */
  read(key: string, range?: ByteRange): Promise<Readable>;
  /** Nothing there is success. */
  remove(key: string): Promise<void>;
}

export class MediaGone extends Error {
  override name = 'MediaGone';
}

/** The account first, then two digits of the random end, so that no folder grows without bound. Made of SIDs alone: no client names a path. */
export function mediaKey(account: string, sid: string): string {
  if (!isSid(account, 'AC') || !isSid(sid, 'ME')) throw new Error('a media key is made of an account and a media SID');
  return `${account}/${sid.slice(-2).toLowerCase()}/${sid}`;
}
