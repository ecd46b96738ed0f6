/**
 * What mail servers' status codes (RFC 3463) mean for a message and its recipient: the receipt's number in Twilio's numbers,
 * whether trying again may help, and whether the address is dead. Source: channel facts, 3.10.
 */
import type { SendErrorCode } from '../send-error.js';

export const UNREACHABLE = 30003;
export const UNKNOWN_DESTINATION = 30005;
export const FILTERED = 30007;
export const UNKNOWN_MAIL_ERROR = 30008;
export const TOO_LARGE = 30019;
export const SUPPRESSED = 21610;

/** Nobody there, for good: nothing more is sent to such an address. */
const dead = new Set(['5.1.0', '5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10', '5.2.1']);
const tooLarge = new Set(['5.2.3', '5.3.4', '4.3.4']);
const passing = new Set(['5.2.2', '5.4.7', '5.4.1', '5.3.2', '5.4.4']);

export type MailFailure = { errorCode: number; retryable: boolean; dead: boolean; code: SendErrorCode };

/** `status`: `5.1.1`; `reply`: SMTP's own number where there is one. */
export function failureOf(status: string | undefined, reply?: number): MailFailure {
  const known = status ?? '';
  // Not found in the directory: only with a refusal, as 5.4.1 alone is trouble of the network.
  if (dead.has(known) || (known === '5.4.1' && reply === 550)) return { errorCode: UNKNOWN_DESTINATION, retryable: false, dead: true, code: 'invalid_recipient' };
  if (tooLarge.has(known) || reply === 552 && status === undefined) return { errorCode: TOO_LARGE, retryable: false, dead: false, code: 'content_refused' };
  if (/^[45]\.7\./.test(known)) return { errorCode: FILTERED, retryable: known.startsWith('4'), dead: false, code: 'content_refused' };
  if (known.startsWith('4') || passing.has(known) || (reply !== undefined && reply < 500))
    return { errorCode: UNREACHABLE, retryable: true, dead: false, code: 'unreachable' };
  return { errorCode: UNKNOWN_MAIL_ERROR, retryable: false, dead: false, code: 'rejected' };
}

/** The first such code in a text: `5.1.1`. */
export const statusIn = (text: string): string | undefined => /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(text)?.[1];
