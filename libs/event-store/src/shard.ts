/** Where a fact lies: 64 shards for ever, by a hash that is never the time-ordered beginning of a SID (design, section 2). */
import { createHash } from 'node:crypto';

export const SHARDS = 64;
export const PARTITIONS = 16;

/** The shard of all that belongs to a conversation; what belongs to none hashes on its own id. */
export const shardOf = (account: string, id: string): number =>
  createHash('sha1').update(account).update(id).digest()[0]! & 63;

/** Subjects and leases deal in 16 partitions of 4 shards. */
export const partitionOf = (shard: number): number => shard >> 2;
