/**
 * What the Send API refuses (general knowledge of Meta's Graph API, not in the channel facts: what is not named here takes
 * the default of its HTTP status). Receipts get Twilio's numbers.
 */
import { SendError, type SendErrorCode } from '../../send-error.js';
import { OUTSIDE_WINDOW } from '../../twilio/errors.js';

type Meaning = { code: SendErrorCode; outcome: 'retryable' | 'permanent'; errorCode: number; pauseMillis?: number };
const retry = (code: SendErrorCode, errorCode: number, pauseMillis?: number): Meaning => ({ code, outcome: 'retryable', errorCode, ...(pauseMillis && { pauseMillis }) });
const fail = (code: SendErrorCode, errorCode: number): Meaning => ({ code, outcome: 'permanent', errorCode });
/** Ours to mend (token, permission): the queue waits for that instead of being lost. */
const operator = retry('authentication', 63001);
const throttled = retry('rate_limited', 63018, 60_000);

/** `code` or `code/subcode`; the closer one counts. */
const meanings: Readonly<Record<string, Meaning>> = {
  '4': throttled, '32': throttled, '613': throttled, '80006': throttled,
  '1': retry('unreachable', 63010), '2': retry('unreachable', 63010), '1200': retry('unreachable', 63010),
  '10': operator, '190': operator, '200': operator,
  '10/2018278': fail('rejected', OUTSIDE_WINDOW), '10/2018065': fail('rejected', OUTSIDE_WINDOW),
  '100': fail('rejected', 63021), '100/2018001': fail('invalid_recipient', 63024),
  '100/2018008': fail('content_refused', 63019), '100/2018047': fail('content_refused', 63019),
  '551': fail('invalid_recipient', 63003), '200/1545041': fail('invalid_recipient', 63003), '368': fail('rejected', 63013),
};
const UNNAMED = fail('rejected', 63023);

/** Of an answer that is not 2xx. Without a code of theirs, a 5xx leaves open whether the message went. */
export function refusal(status: number, answer: Record<string, unknown>, retryAfterMillis: number | undefined): SendError {
  const { code, error_subcode: subcode, message } = (answer['error'] ?? {}) as { code?: unknown; error_subcode?: unknown; message?: unknown };
  const byCode = meanings[`${code}/${subcode}`] ?? meanings[String(code)];
  const carrierCode = typeof code !== 'number' ? `HTTP ${status}` : subcode === undefined ? `${code}` : `${code}/${String(subcode)}`;
  if (!byCode && status >= 500) return new SendError('no_answer', 'ambiguous', { carrierCode });
  const meaning = byCode ?? (status === 429 ? throttled : status === 401 || status === 403 ? operator : UNNAMED);
  const pauseMillis = retryAfterMillis ?? meaning.pauseMillis;
  return new SendError(meaning.code, meaning.outcome, {
    errorCode: meaning.errorCode, carrierCode, ...(pauseMillis !== undefined && { retryAfterMillis: pauseMillis }),
    cause: `HTTP ${status}, code ${String(code)}/${String(subcode)}: ${String(message ?? '')}`,
  });
}

export const isOutsideWindow = (error: unknown): boolean => error instanceof SendError && error.errorCode === OUTSIDE_WINDOW;
