/** What the end of an SMTP session means for the mail: certainly not taken, taken perhaps, or refused for good. */
import type { NodemailerError } from 'nodemailer';
import { failureOf, statusIn } from '../../email/mail-codes.js';
import { SendError } from '../../send-error.js';

/** Nobody was there to get a byte of it. */
const neverConnected = new Set(['EPRIVATE', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EDNS']);
const beforeAnything = new Set(['CONNECT_TIMEOUT', 'GREETING_TIMEOUT', 'UPGRADE_TIMEOUT']);
const refusedLogin = new Set([530, 534, 535, 538]);
/** "Later": servers name no time, and grey-listing wants some minutes. */
const PAUSE_MILLIS = 60_000;

export function smtpFailure(error: NodemailerError): SendError {
  const { code, originalCode, responseCode, response = '', timeoutType, cause } = error;
  if (responseCode !== undefined) return refusal(responseCode, response, error);
  if (code === 'EAUTH' || code === 'ENOAUTH' || code === 'ETLS') return new SendError('authentication', 'retryable', { cause: error });
  const below = [code, originalCode, (cause as NodeJS.ErrnoException | undefined)?.code, (error as { errno?: unknown }).errno];
  const nothingLeft = below.some((name) => typeof name === 'string' && neverConnected.has(name)) || (timeoutType !== undefined && beforeAnything.has(timeoutType));
  return nothingLeft ? new SendError('unreachable', 'retryable', { cause: error }) : new SendError('no_answer', 'ambiguous', { cause: error });
}

function refusal(reply: number, response: string, cause: NodemailerError): SendError {
  const status = statusIn(response);
  if (refusedLogin.has(reply) || cause.code === 'EAUTH') return new SendError('authentication', 'retryable', { cause });
  const failure = failureOf(status, reply);
  if (reply >= 500) return new SendError(failure.code, 'permanent', { cause, errorCode: failure.errorCode, carrierCode: status ?? String(reply) });
  // The server is full or we are too fast (421, 4.3.2, 4.7.x), as against a mailbox that is.
  const throttled = reply === 421 || /^4\.(?:3\.2|7\.)/.test(status ?? '');
  return new SendError(throttled ? 'rate_limited' : 'unreachable', 'retryable', { cause, errorCode: failure.errorCode, carrierCode: status ?? String(reply), retryAfterMillis: PAUSE_MILLIS });
}
