/** Bounds of the websocket, from the environment; what they mean to a client is in docs/websocket.md. */
import { integer } from '@parley/runtime/config';

export type RealtimeLimits = {
  /** Bytes waiting to be read by a client beyond which it is too slow (4008). */
  lagBytesMax: number;
  subscriptionsPerSocketMax: number;
  socketsPerAccountMax: number;
  /** Sockets that have not said who they are, in all. */
  unauthenticatedMax: number;
  /** A client's frames per second, twice as many in a burst. */
  framesPerSecond: number;
  /** Of sockets and the users whose presence they follow, in all; an account has half of them at most. */
  presenceWatchesMax: number;
  /** How long a socket may take to say hello. */
  helloMillis: number;
  /** The server pings at this interval, and gives up after two and a half of them without a sign of life. */
  heartbeatMillis: number;
  /** A suspended account, a deleted API key and an auth token that was rotated away end their sockets within this time (and that of the accounts' cache). */
  recheckMillis: number;
  /** At the end of the process the goodbyes are spread over at most this time. */
  drainMillis: number;
};

/** An instance that died is noticed after this long, and a third of it. */
export const presenceLeaseMillis = (env: NodeJS.ProcessEnv = process.env): number => integer(env, 'PRESENCE_LEASE_MILLIS', 30_000, 1_000, 600_000);

export const realtimeLimits = (env: NodeJS.ProcessEnv = process.env): RealtimeLimits => ({
  lagBytesMax: integer(env, 'REALTIME_LAG_BYTES_MAX', 1_048_576, 65_536, 67_108_864),
  subscriptionsPerSocketMax: integer(env, 'REALTIME_SUBSCRIPTIONS_MAX', 10_000, 1, 1_000_000),
  socketsPerAccountMax: integer(env, 'REALTIME_SOCKETS_PER_ACCOUNT_MAX', 20_000, 1, 1_000_000),
  unauthenticatedMax: integer(env, 'REALTIME_UNAUTHENTICATED_MAX', 2_000, 1, 1_000_000),
  framesPerSecond: integer(env, 'REALTIME_FRAMES_PER_SECOND', 20, 1, 10_000),
  presenceWatchesMax: integer(env, 'REALTIME_PRESENCE_WATCHES_MAX', 500_000, 1, 100_000_000),
  helloMillis: integer(env, 'REALTIME_HELLO_MILLIS', 10_000, 100, 600_000),
  heartbeatMillis: integer(env, 'REALTIME_HEARTBEAT_MILLIS', 25_000, 100, 600_000),
  recheckMillis: integer(env, 'REALTIME_RECHECK_MILLIS', 30_000, 100, 600_000),
  drainMillis: integer(env, 'REALTIME_DRAIN_MILLIS', 3_000, 0, 6_000),
});
