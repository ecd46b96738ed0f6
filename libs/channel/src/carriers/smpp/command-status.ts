/**
 * What a message centre's answer means for the message (channel facts, 1.6 and 1.10). An answer that is not zero always means
 * that it did not take the message: nothing here is ambiguous.
 */
import { SendError, UNKNOWN_ERROR, type SendErrorCode } from '../../send-error.js';

export const Status = {
  ok: 0x00, invalidLength: 0x02, invalidCommand: 0x03, wrongState: 0x04, alreadyBound: 0x05, systemError: 0x08,
  invalidSource: 0x0a, invalidDestination: 0x0b, bindFailed: 0x0d, wrongPassword: 0x0e, wrongSystemId: 0x0f, queueFull: 0x14,
  submitFailed: 0x45, throttled: 0x58, temporaryApplicationError: 0x64, permanentApplicationError: 0x65, deliveryFailure: 0xfe, unknownError: 0xff,
} as const;

/** The pauses of the facts: one second when throttled, up to five when a queue is full. */
const THROTTLED_MILLIS = 1_000;
const QUEUE_FULL_MILLIS = 3_000;

/** So often these are tried once more: a message centre that means "never" by them says so again. */
const retriesMax: Readonly<Record<number, number>> = { [0x45]: 3, [0xfe]: 1, [0xff]: 1 };

type Meaning = readonly [code: SendErrorCode, outcome: 'retryable' | 'permanent', errorCode: number, retryAfterMillis?: number];
const meanings: Readonly<Record<number, Meaning>> = {
  [Status.wrongState]: ['unreachable', 'retryable', UNKNOWN_ERROR],
  [Status.alreadyBound]: ['unreachable', 'retryable', UNKNOWN_ERROR],
  [Status.systemError]: ['rejected', 'retryable', UNKNOWN_ERROR],
  [Status.invalidSource]: ['invalid_sender', 'permanent', 21212],
  [Status.invalidDestination]: ['invalid_recipient', 'permanent', 21211],
  // Wrong credentials are our operator's to mend: the message waits for that instead of being lost.
  [Status.bindFailed]: ['authentication', 'retryable', 20003],
  [Status.wrongPassword]: ['authentication', 'retryable', 20003],
  [Status.wrongSystemId]: ['authentication', 'retryable', 20003],
  [Status.queueFull]: ['rate_limited', 'retryable', 30001, QUEUE_FULL_MILLIS],
  [Status.throttled]: ['rate_limited', 'retryable', 30022, THROTTLED_MILLIS],
  [Status.submitFailed]: ['rejected', 'retryable', UNKNOWN_ERROR],
  [Status.temporaryApplicationError]: ['rejected', 'retryable', UNKNOWN_ERROR],
  [Status.deliveryFailure]: ['rejected', 'retryable', UNKNOWN_ERROR],
  [Status.unknownError]: ['rejected', 'retryable', UNKNOWN_ERROR],
  0x01: ['content_refused', 'permanent', 21617],
  0x48: ['invalid_sender', 'permanent', 21212], 0x49: ['invalid_sender', 'permanent', 21212],
  0x50: ['invalid_recipient', 'permanent', 21211], 0x51: ['invalid_recipient', 'permanent', 21211],
};

/**
 * `vendor`: statuses of this message centre's own that mean "later" (settings.retryableStatuses). `before`: how often this
 * message was refused with the same status already.
 */
export function sendErrorOf(status: number, { vendor = [], before = 0 }: { vendor?: readonly number[]; before?: number } = {}): SendError {
  const later: Meaning | undefined = vendor.includes(status) ? ['rejected', 'retryable', UNKNOWN_ERROR] : undefined;
  const [code, outcome, errorCode, retryAfterMillis] = later ?? meanings[status] ?? ['rejected', 'permanent', UNKNOWN_ERROR];
  return new SendError(code, before >= (retriesMax[status] ?? Infinity) ? 'permanent' : outcome, {
    errorCode, carrierCode: `0x${status.toString(16)}`, ...(retryAfterMillis !== undefined && { retryAfterMillis }), cause: new Error(`command_status 0x${status.toString(16)}`),
  });
}

export const isThrottle = (status: number): boolean => status === Status.throttled || status === Status.queueFull;
export const isBindRefusal = (status: number): boolean =>
  status === Status.bindFailed || status === Status.wrongPassword || status === Status.wrongSystemId;
