/**
 * How fast one sender sends, and how fast one recipient is sent to: token buckets shared by all instances through Redis. While
 * Redis is away each instance counts for itself. A token that is free soon is taken at once, to be used when it is.
 */
import type { CarrierDefinition } from '@parley/channel/carrier-definition';
import type { RecipientRate } from '@parley/contracts/rest/sender-policy';
import { LruMap } from '@parley/event-store/lru-map';
import { logger } from '@parley/telemetry/logger';
import type { Redis } from 'ioredis';
import { laneKey, senderKey, type Lane } from './lane.js';

export type Bucket = {
  key: string;
  perSecond: number;
  /** Sends that may follow each other at once after a pause. */
  burst: number;
  /** A token that is free later than that is not taken. */
  patienceMillis?: number;
};
/** `bucket`: which of those asked for has nothing left; undefined: each had a token, to be used in so many milliseconds. */
export type Turn = { waitMillis: number; bucket: number | undefined };

export const PATIENCE_MILLIS = 2_000;
/** Who waits holds one of the sender's places: not for long when it is for one person alone. */
const RECIPIENT_PATIENCE_MILLIS = 20;
/** Channel facts 2.7: one message in 6 s to one WhatsApp user, bursts of 45. They know of no other channel's. */
const recipientRates: Readonly<Record<string, RecipientRate>> = { whatsapp: { every_seconds: 6, burst: 45 } };
const log = logger('send-rate');

// For each bucket the time at which it is full again; all are taken from, or none. A bucket of another size is another one: who was held by a limit
// that is no more does not wait for it.
const script = `
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + tonumber(clock[2]) / 1000
local wait, short, refused, full = 0, 0, 0, {}
for i, key in ipairs(KEYS) do
  local interval, burst, patience = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local at = math.max(now, tonumber(redis.call('GET', key)) or now)
  local mine = at - interval * (burst - 1) - now
  if mine > patience and mine > refused then refused, short = mine, i end
  if mine > wait then wait = mine end
  full[i] = at + interval
end
if short > 0 then return {tostring(refused), short} end
for i, key in ipairs(KEYS) do redis.call('SET', key, string.format('%.3f', full[i]), 'PX', math.ceil(full[i] - now) + 1000) end
return {tostring(wait), 0}`;
type WithScript = { takeSendTokens(keys: number, ...args: (string | number)[]): Promise<[string, number]> };

export class SendRate {
  private readonly full = new LruMap<string, number>(100_000);

  constructor(
    private readonly redis?: Redis,
    private readonly clock: () => number = () => performance.now(),
  ) {
    redis?.defineCommand('takeSendTokens', { lua: script });
  }

  async take(buckets: readonly Bucket[]): Promise<Turn> {
    if (buckets.length === 0) return { waitMillis: 0, bucket: undefined };
    if (this.redis?.status === 'ready') {
      try {
        const [wait, short] = await (this.redis as unknown as WithScript).takeSendTokens(
          buckets.length, ...buckets.map((bucket) => `send:${nameOf(bucket)}`),
          ...buckets.flatMap(({ perSecond, burst, patienceMillis = PATIENCE_MILLIS }) => [1000 / perSecond, burst, patienceMillis]),
        );
        return { waitMillis: Number(wait), bucket: short === 0 ? undefined : short - 1 };
      } catch (error) {
        log.debug('counting for ourselves', { error });
      }
    }
    return this.takeHere(buckets);
  }

  private takeHere(buckets: readonly Bucket[]): Turn {
    const now = this.clock();
    const at = buckets.map((bucket) => Math.max(now, this.full.get(nameOf(bucket)) ?? now));
    const waits = buckets.map(({ perSecond, burst }, i) => at[i]! - (1000 / perSecond) * (burst - 1) - now);
    const refused = Math.max(...waits.filter((wait, i) => wait > (buckets[i]!.patienceMillis ?? PATIENCE_MILLIS)));
    if (refused > 0) return { waitMillis: refused, bucket: waits.indexOf(refused) };
    buckets.forEach((bucket, i) => this.full.set(nameOf(bucket), at[i]! + 1000 / bucket.perSecond));
    return { waitMillis: Math.max(0, ...waits), bucket: undefined };
  }
}

const nameOf = ({ key, perSecond, burst }: Bucket): string => `${key}:${perSecond}:${burst}`;

/**
 * The sender's bucket is the first, where it has one. A sender's own limit for each recipient lies over its channel's, which is the carriers', so not the
 * simulator's; null: there is none.
 */
export function bucketsOf(lane: Lane, rate: number | null, definition: CarrierDefinition | undefined, ofRecipient?: RecipientRate | null): Bucket[] {
  const perSecond = rate ?? definition?.rate ?? null;
  const recipient = ofRecipient === undefined && definition?.name !== 'simulator' ? recipientRates[lane.channel] : ofRecipient;
  return [
    ...(perSecond === null ? [] : [{ key: senderKey(lane), perSecond, burst: Math.max(1, Math.floor(perSecond)) }]),
    ...(recipient ? [{ key: laneKey(lane), perSecond: 1 / recipient.every_seconds, burst: recipient.burst ?? 1, patienceMillis: RECIPIENT_PATIENCE_MILLIS }] : []),
  ];
}
