/**
 * How fast one sender sends, and how fast one recipient is sent to: token buckets shared by all instances through Redis. While
 * Redis is away each instance counts for itself. A token that is free soon is taken at once, to be used when it is.
 */
import type { CarrierDefinition } from '@parley/channel/carrier-definition';
import { LruMap } from '@parley/event-store/lru-map';
import { logger } from '@parley/telemetry/logger';
import type { Redis } from 'ioredis';
import { laneKey, senderKey, type Lane } from './lane.js';

export type Bucket = {
  key: string;
  perSecond: number;
  /** Sends that may follow each other at once after a pause. */
  burst: number;
};
/** `bucket`: which of those asked for has nothing left; undefined: each had a token, to be used in so many milliseconds. */
export type Turn = { waitMillis: number; bucket: number | undefined };

/** A token that is free later than that is not taken. */
export const PATIENCE_MILLIS = 2_000;
/** Channel facts 2.7: one message in 6 s to one WhatsApp user, bursts of 45. */
const recipientRates: Readonly<Record<string, { perSecond: number; burst: number }>> = { whatsapp: { perSecond: 1 / 6, burst: 45 } };
const log = logger('send-rate');

// For each bucket the time at which it is full again; all are taken from, or none.
const script = `
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + tonumber(clock[2]) / 1000
local wait, short, full = 0, 0, {}
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local at = math.max(now, tonumber(redis.call('GET', key)) or now)
  local mine = at - interval * (burst - 1) - now
  if mine > wait then wait, short = mine, i end
  full[i] = at + interval
end
if wait > tonumber(ARGV[1]) then return {tostring(wait), short} end
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
          buckets.length, ...buckets.map(({ key }) => `send:${key}`), PATIENCE_MILLIS, ...buckets.flatMap(({ perSecond, burst }) => [1000 / perSecond, burst]),
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
    const at = buckets.map(({ key }) => Math.max(now, this.full.get(key) ?? now));
    const waits = buckets.map(({ perSecond, burst }, i) => at[i]! - (1000 / perSecond) * (burst - 1) - now);
    const waitMillis = Math.max(0, ...waits);
    if (waitMillis > PATIENCE_MILLIS) return { waitMillis, bucket: waits.indexOf(waitMillis) };
    buckets.forEach(({ key, perSecond }, i) => this.full.set(key, at[i]! + 1000 / perSecond));
    return { waitMillis, bucket: undefined };
  }
}

/** The sender's bucket is the first, where it has one. */
export function bucketsOf(lane: Lane, rate: number | null, definition: CarrierDefinition | undefined): Bucket[] {
  const perSecond = rate ?? definition?.rate ?? null;
  // WhatsApp's rule, so not the simulator's.
  const recipient = definition?.name === 'simulator' ? undefined : recipientRates[lane.channel];
  return [
    ...(perSecond === null ? [] : [{ key: senderKey(lane), perSecond, burst: Math.max(1, Math.floor(perSecond)) }]),
    ...(recipient ? [{ key: laneKey(lane), ...recipient }] : []),
  ];
}
