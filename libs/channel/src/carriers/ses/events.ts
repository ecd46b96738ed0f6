/** What SES publishes: what became of our mails (event publishing, or notifications of an identity), and mail it received for us. */
import type { Authentication } from '../../email/authentication.js';
import { failureOf, FILTERED, SUPPRESSED, UNKNOWN_MAIL_ERROR, statusIn } from '../../email/mail-codes.js';
import type { DeliveryReceipt, InboundEvent } from '../../inbound-event.js';
import { listOf, meaningOf, nameOf, objectOf, referenceOf, textOf } from '../../inbound-values.js';

type Json = Record<string, unknown>;
type Failure = Pick<DeliveryReceipt, 'errorCode' | 'retryable' | 'carrierCode' | 'suppress'>;
type Outcome = Failure & Pick<DeliveryReceipt, 'status'>;

const CODE_CHARS_MAX = 200;
/** Where the other server named no status. */
const statusOfKind: Readonly<Record<string, string>> = { NoEmail: '5.1.1', MailboxFull: '5.2.2', MessageTooLarge: '5.3.4', ContentRejected: '5.7.1', AttachmentRejected: '5.7.1' };

/** `messageIdOf`: the Message-ID that stands for an id of SES's. */
export function receiptOf(said: Json, domain: string, messageIdOf: (id: string) => string): InboundEvent[] {
  const kind = nameOf(said['eventType'] ?? said['notificationType']) ?? '';
  const mail = objectOf(said['mail']);
  const [id, recipient] = [nameOf(mail['messageId']), nameOf(listOf(mail['destination'])[0])];
  const outcome = outcomeOf(kind, said);
  if (id === undefined || recipient === undefined || !outcome) return [];
  return [{
    channel: 'email', kind: 'status', from: recipient, to: domain, providerMessageId: messageIdOf(id), text: null, media: [], inReplyTo: null,
    ...outcome, ...referenceOf(listOf(objectOf(mail['tags'])['delivery'])[0]),
  }];
}

function outcomeOf(kind: string, said: Json): Outcome | undefined {
  switch (kind) {
    case 'Send': case 'DeliveryDelay': return { status: 'sent' };
    case 'Delivery': return { status: 'delivered' };
    case 'Open': return { status: 'read' };
    case 'Bounce': return bounceOf(objectOf(said['bounce']));
    case 'Complaint': return complaintOf(objectOf(said['complaint']));
    case 'Reject': return failed(FILTERED, 'Reject', objectOf(said['reject'])['reason']);
    case 'Rendering Failure': return failed(UNKNOWN_MAIL_ERROR, kind, objectOf(said['failure'])['errorMessage']);
    case 'Subscription': return objectOf(objectOf(said['subscription'])['newTopicPreferences'])['unsubscribeAll'] === true ? { status: 'delivered', suppress: 'unsubscribe' } : undefined;
    default: return undefined;
  }
}

function bounceOf({ bounceType, bounceSubType, bouncedRecipients }: Json): Outcome {
  const { status, diagnosticCode } = objectOf(listOf(bouncedRecipients)[0]);
  const [kind, words] = [nameOf(bounceSubType) ?? '', textOf(diagnosticCode) ?? ''];
  // SES remembers whom it could not reach, and did not try.
  if (/suppress/i.test(kind)) return failed(SUPPRESSED, kind, words);
  const permanent = bounceType === 'Permanent';
  const code = statusIn(nameOf(status) ?? '') ?? statusIn(words) ?? meaningOf(statusOfKind, kind) ?? (permanent ? '5.1.1' : '4.0.0');
  const { errorCode, retryable, dead } = failureOf(code, Number(/\b([45]\d\d)\b/.exec(words)?.[1]) || undefined);
  return { status: 'undelivered', errorCode, retryable: retryable || !permanent, ...quoted(`${code} ${kind}`, words), ...(dead && permanent && { suppress: 'bounce' as const }) };
}

function complaintOf({ complaintSubType, complaintFeedbackType }: Json): Outcome | undefined {
  if (complaintFeedbackType === 'not-spam') return undefined;
  return complaintSubType === 'OnAccountSuppressionList' ? failed(SUPPRESSED, complaintSubType, '') : { status: 'delivered', suppress: 'complaint' };
}

const failed = (errorCode: number, kind: string, words: unknown): Outcome => ({ status: 'failed', errorCode, retryable: false, ...quoted(kind, textOf(words) ?? '') });
const quoted = (code: string, words: string) => ({ carrierCode: [code.trim(), words].filter(Boolean).join(': ').slice(0, CODE_CHARS_MAX).toWellFormed() });

/** A mail that came in, or why it did not. `content`: all of it, which SES publishes up to 150 KB. */
export type Received = { raw: Buffer; from: string | undefined; to: string[]; authentication: Authentication } | { id: string; from: string; to: string; reason: string };

export function receivedOf(said: Json): Received | undefined {
  if (said['notificationType'] !== 'Received') return undefined;
  const [mail, receipt] = [objectOf(said['mail']), objectOf(said['receipt'])];
  const to = listOf(receipt['recipients']).map(nameOf).filter((one) => one !== undefined);
  const from = nameOf(mail['source']);
  const passedOver = (reason: string) => ({ id: nameOf(mail['messageId']) ?? '', from: from ?? '', to: to[0] ?? '', reason });
  if (objectOf(receipt['virusVerdict'])['status'] === 'FAIL') return passedOver('a virus');
  const { content } = said;
  if (typeof content !== 'string') return passedOver('without its content: publish it to SNS');
  // A mail begins with the name of a header, base64 has no colons.
  const raw = Buffer.from(content, content.slice(0, 1_000).includes(':') ? 'utf8' : 'base64');
  return { raw, from, to, authentication: { ...verdict(receipt, 'dkim'), ...verdict(receipt, 'spf'), ...verdict(receipt, 'dmarc') } };
}

const verdicts: Readonly<Record<string, string>> = { PASS: 'pass', FAIL: 'fail', GRAY: 'none' };
function verdict(receipt: Json, method: keyof Authentication): Authentication {
  const found = meaningOf(verdicts, nameOf(objectOf(receipt[`${method}Verdict`])['status']));
  return found === undefined ? {} : { [method]: found };
}
