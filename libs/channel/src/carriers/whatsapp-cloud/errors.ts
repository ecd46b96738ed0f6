/**
 * The Cloud API's error codes (channel facts, 2.8): what each means for the message, and its number in Twilio's terms, which
 * are the API's receipt codes. What must not be told apart takes the default of its HTTP status.
 */
import { SendError, type SendErrorCode } from '../../send-error.js';

type Outcome = 'retryable' | 'permanent';
type Meaning = { code: SendErrorCode; outcome: Outcome; errorCode: number; pauseMillis?: number };

const OUTSIDE_WINDOW = 131047;
const MARKETING_REFUSED = 131050;
const MINUTE = 60_000;

const retry = (code: SendErrorCode, errorCode: number, pauseMillis?: number): Meaning =>
  ({ code, outcome: 'retryable', errorCode, ...(pauseMillis !== undefined && { pauseMillis }) });
const fail = (code: SendErrorCode, errorCode: number): Meaning => ({ code, outcome: 'permanent', errorCode });
/** Ours to mend (token, permission, payment, a locked account): the queue waits for that instead of being lost. */
const operator = (errorCode: number) => retry('authentication', errorCode);

const meanings: Readonly<Record<number, Meaning>> = {
  0: operator(63001), 3: operator(63001), 10: operator(63001), 190: operator(63001),
  1: retry('unreachable', 63010), 2: retry('unreachable', 63010), 131000: retry('unreachable', 63010),
  131016: retry('unreachable', 63010), 131057: retry('unreachable', 63010), 133004: retry('unreachable', 63010), 135000: retry('unreachable', 63010),
  4: retry('rate_limited', 63018, 2 * MINUTE), 80007: retry('rate_limited', 63018, 2 * MINUTE),
  130429: retry('rate_limited', 63018, 1_000), 133016: retry('rate_limited', 63018, 10 * MINUTE),
  131048: retry('rate_limited', 63018, 10 * MINUTE), 131064: retry('rate_limited', 63018, 10 * MINUTE), 132069: retry('rate_limited', 63018, MINUTE),
  // Too much for this one person: the dispatcher waits longer each time, and for nobody else.
  131056: retry('recipient_rate_limited', 63018, 4_000),
  33: fail('invalid_sender', 63007), 100: fail('rejected', 63021), 131008: fail('rejected', 63021), 131009: fail('rejected', 63021),
  131021: fail('invalid_recipient', 63024), 131026: fail('invalid_recipient', 63024), 131030: fail('invalid_recipient', 63015), 131062: fail('invalid_recipient', 63003),
  [OUTSIDE_WINDOW]: fail('rejected', 63016),
  131049: fail('rejected', 63049), [MARKETING_REFUSED]: fail('opted_out', 63049), 130472: fail('rejected', 63032), 137000: fail('rejected', 63013),
  131051: fail('content_refused', 63021), 131052: fail('content_refused', 63019), 131053: fail('content_refused', 63019), 131063: fail('rejected', 63013),
  131031: operator(63051), 368: operator(63013), 131037: operator(63022), 131042: operator(63020), 131045: operator(63008), 133010: operator(63007),
  130497: fail('rejected', 63013),
  132000: fail('content_refused', 63028), 132001: fail('content_refused', 63027), 132005: fail('content_refused', 63021), 132007: fail('content_refused', 63005),
  132008: fail('content_refused', 63021), 132012: fail('content_refused', 63030), 132015: fail('content_refused', 63041), 132016: fail('content_refused', 63042),
  132068: fail('content_refused', 63021),
};
const UNNAMED = fail('rejected', 63023);

const meaningOf = (code: number): Meaning | undefined => meanings[code] ?? (code >= 200 && code < 300 ? operator(63001) : undefined);

/** What a `failed` status says; the message left us already, so nothing is sent again by itself. */
export function statusFailure(code: number): { errorCode: number; carrierCode: string; retryable: boolean; needsTemplate?: true; suppress?: 'marketing' } {
  const { errorCode, outcome } = meaningOf(code) ?? UNNAMED;
  return { errorCode, carrierCode: String(code), retryable: outcome === 'retryable', ...(code === OUTSIDE_WINDOW && { needsTemplate: true }), ...(code === MARKETING_REFUSED && { suppress: 'marketing' }) };
}

/** Of an answer that is not 2xx. Without a code of theirs, a 5xx leaves open whether the message went. */
export function refusal(status: number, answer: unknown, retryAfterMillis: number | undefined): SendError {
  const { error } = (typeof answer === 'object' && answer !== null ? answer : {}) as { error?: { code?: unknown; message?: unknown; fbtrace_id?: unknown; error_data?: { details?: unknown } } };
  const code = typeof error?.code === 'number' ? error.code : undefined;
  const byCode = code === undefined ? undefined : meaningOf(code);
  const carrierCode = code?.toString() ?? `HTTP ${status}`;
  if (!byCode && (status >= 500 || status === 408)) return new SendError('no_answer', 'ambiguous', { carrierCode });
  const meaning = byCode ?? (status === 429 ? retry('rate_limited', 63018, 1_000) : status === 401 || status === 403 ? operator(63001) : UNNAMED);
  const pauseMillis = retryAfterMillis ?? meaning.pauseMillis;
  return new SendError(meaning.code, meaning.outcome, {
    errorCode: meaning.errorCode, carrierCode, ...(pauseMillis !== undefined && { retryAfterMillis: pauseMillis }),
    cause: `HTTP ${status}, code ${code}: ${String(error?.error_data?.details ?? error?.message ?? '')} (${String(error?.fbtrace_id ?? '')})`,
  });
}
