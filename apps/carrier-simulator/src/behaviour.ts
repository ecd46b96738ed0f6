/**
 * How an address behaves when a message reaches it: a handset's address, or a sender's for everything it sends. What is not
 * set follows the sender's behaviour, then the usual one: `sent` and `delivered` within a third of a second.
 */
import { z } from 'zod';

const millis = z.int().min(0).max(3_600_000);

export const behaviourSchema = z.strictObject({
  /** What is reported in the end; `silent`: nothing. */
  outcome: z.enum(['delivered', 'read', 'failed', 'undelivered', 'silent']),
  /** With failed and undelivered; default 30008. */
  errorCode: z.int().min(1).max(999_999),
  /** Before the first report. */
  delayMs: millis,
  /** Every report comes twice. */
  twice: z.boolean(),
  /** The last report comes first. */
  outOfOrder: z.boolean(),
  /** Before the request is even looked at; who hangs up meanwhile has sent nothing. */
  hangMs: millis,
  /** Refuses the request. */
  rejectWith: z.strictObject({
    status: z.int().min(400).max(599), code: z.int().min(1).max(999_999).optional(), retryAfterSeconds: z.int().min(1).max(3600).optional(),
  }),
  /** Takes the message, then closes the connection without an answer. */
  acceptThenDrop: z.boolean(),
  /** The person answers every message with this. */
  autoReply: z.string().min(1).max(1600).transform((text) => text.replaceAll('\0', '').toWellFormed()),
  /** Only for so many messages; afterwards as usual. */
  times: z.int().min(1).max(1_000_000),
}).partial();

export type Behaviour = z.infer<typeof behaviourSchema>;
export type Report = { status: string; errorCode?: number; dueInMillis: number };

const FIRST_REPORT_MILLIS = 50;
const BETWEEN_REPORTS_MILLIS = 150;

const course = {
  delivered: ['sent', 'delivered'], read: ['sent', 'delivered', 'read'], failed: ['failed'], undelivered: ['sent', 'undelivered'], silent: [],
} as const;

/** What is reported about a message, and when. */
export function reportsOf({ outcome = 'delivered', errorCode = 30008, delayMs = 0, twice, outOfOrder }: Behaviour): Report[] {
  const statuses: string[] = [...course[outcome]];
  if (outOfOrder) statuses.reverse();
  const reports = statuses.map((status, i) => ({
    status, dueInMillis: delayMs + FIRST_REPORT_MILLIS + i * BETWEEN_REPORTS_MILLIS, ...(/failed|undelivered/.test(status) && { errorCode }),
  }));
  return twice ? reports.flatMap((report) => [report, report]) : reports;
}

/** When the person answers. */
export const replyInMillis = ({ delayMs = 0 }: Behaviour): number => delayMs + FIRST_REPORT_MILLIS + 2 * BETWEEN_REPORTS_MILLIS;
