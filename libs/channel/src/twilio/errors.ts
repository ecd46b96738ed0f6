/**
 * Twilio's error numbers, which are also the API's receipt codes (channel facts, 1.10). Meanings get refined without notice:
 * only what must be told apart is here, everything else takes the default of its HTTP status.
 */
import type { SendErrorCode } from '../send-error.js';

export const OPTED_OUT = 21610;
export const BODY_TOO_LONG = 21617;
export const BODY_MISSING = 21619;
export const TOO_MANY_MEDIA = 21623;
export const MEDIA_TOO_LARGE = 30019;
export const NOT_OUR_SENDER = 21606;
export const VALIDITY_EXPIRED = 30036;
export const OUTSIDE_WINDOW = 63016;

const reasons: Record<number, SendErrorCode> = {
  20003: 'authentication', 20429: 'rate_limited',
  21211: 'invalid_recipient', 21614: 'invalid_recipient', 63003: 'invalid_recipient', 63024: 'invalid_recipient',
  21212: 'invalid_sender', [NOT_OUR_SENDER]: 'invalid_sender', 21659: 'invalid_sender', 63007: 'invalid_sender',
  [OPTED_OUT]: 'opted_out',
  [BODY_TOO_LONG]: 'content_refused', [BODY_MISSING]: 'content_refused', 21620: 'content_refused', [TOO_MANY_MEDIA]: 'content_refused', [MEDIA_TOO_LARGE]: 'content_refused', 63005: 'content_refused',
};
/** The same message may get through later: full queues, throttles, trouble inside the provider. */
const transient = new Set([20429, 30001, 30022, 63010, 63012, 63018]);

export const reasonOf = (code: number): SendErrorCode => reasons[code] ?? 'rejected';
export const isTransient = (code: number): boolean => transient.has(code);
