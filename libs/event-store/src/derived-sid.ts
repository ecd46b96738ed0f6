/** SIDs that follow from an idempotency key: a retried creation meets itself, on the same shard, in the same stream. */
import type { Sid, SidPrefix } from '@parley/domain/sid';
import { createHash } from 'node:crypto';

export const derivedSid = <P extends SidPrefix>(prefix: P, account: string, key: string): Sid<P> =>
  `${prefix}${createHash('sha256').update(`${prefix}|${account}|${key}`).digest('hex').slice(0, 32)}`;
