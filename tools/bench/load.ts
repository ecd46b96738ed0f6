/** What a load process does and reports: the words the benchmark and its load generators share. */
import type { Member } from './member-socket.ts';
import type { Access } from './rest-client.ts';
import type { Percentiles } from './statistics.ts';
import type { Pace } from './request-pool.ts';

export type LoadKind = 'write' | 'inbound' | 'fanout' | 'fanoutSdk' | 'read' | 'list' | 'mixed' | 'crowd';

export type LoadResult = {
  seconds: number;
  /** Answered 2xx. */
  answered: number;
  answeredPerSecond: number;
  /** Messages that reached sockets, all sockets together. */
  deliveries: number;
  deliveriesPerSecond: number;
  /** From when a request was due to its answer. */
  answer: Percentiles;
  /** From when a message was posted to a socket that has it; empty where no socket takes part. */
  delivery: Percentiles;
};

/** Each must be 0: what a check of every answer and every socket found wrong. */
export type Wrong = { refused: number; failed: number; missing: number; doubled: number; reordered: number };
export const nothingWrong = (): Wrong => ({ refused: 0, failed: 0, missing: 0, doubled: 0, reordered: 0 });

export interface Load {
  /** Makes what it needs (or takes these conversations with their members), connects and subscribes. */
  open(access: Access, members?: readonly Member[]): Promise<void>;
  /** Runs at this pace and waits until everything has arrived. */
  round(pace: Pace): Promise<LoadResult>;
  /** After a round, not measured: what was wrong with it. */
  verify(): Promise<Wrong>;
  close(): void;
}
