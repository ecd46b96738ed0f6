/**
 * How commands travel: JSON, many calls in one NATS message each way. Subject `command.<service>`; a request's reply
 * address is `<client's inbox>.<batch number>`, answers go to `<client's inbox>.r`, so one subscription serves a client.
 */
import type { DomainErrorCode } from '@parley/domain/domain-error';

/** `until`: when the client stops waiting, milliseconds since 1970. A server drops calls that nobody waits for. */
export type RequestBatch = { until: number; calls: Array<[id: number, method: string, args: unknown[]]> };
export type Answer =
  | [id: number, status: 'ok', result?: unknown]
  | [id: number, status: 'refused', code: DomainErrorCode, details: Record<string, string>];

/** Bounds of one NATS message; a single larger call travels alone. The server's own limit is 1 MiB by default. */
export const BATCH_CALLS_MAX = 64;
export const BATCH_CHARS_MAX = 256 * 1024;

export const subjectOf = (service: string) => `command.${service}`;
export const answersTo = (reply: string) => `${reply.slice(0, reply.lastIndexOf('.'))}.r`;

/** Cuts texts into groups that fit a message. */
export function batches<T extends { text: string }>(items: readonly T[]): T[][] {
  const groups: T[][] = [];
  let chars = Infinity;
  for (const item of items) {
    let group = groups.at(-1);
    if (!group || group.length >= BATCH_CALLS_MAX || chars + item.text.length > BATCH_CHARS_MAX) {
      groups.push((group = []));
      chars = 0;
    }
    group.push(item);
    chars += item.text.length;
  }
  return groups;
}

export const joined = (items: ReadonlyArray<{ text: string }>): string => {
  let text = items[0]!.text;
  for (let i = 1; i < items.length; i++) text += `,${items[i]!.text}`;
  return text;
};
