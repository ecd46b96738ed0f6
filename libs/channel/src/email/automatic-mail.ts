/** Mail that nobody wrote (RFC 3834 and what is older than it), and mail that goes in circles. */
import type { Mail } from './mail.js';

export type Automatic = 'auto_reply' | 'bulk';

const RECEIVED_MAX = 30;
const automaticSenders = /^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)(?:[+.-]|@)/i;
/** Weak: people write such subjects too, so only beside an answer to a mail of ours. */
const awaySubjects = /^(?:out of office|automatic reply:|auto(?:matic)?[ -]?reply|abwesenheit|automatische antwort|réponse automatique|respuesta automática)/i;

/** `answersUs`: it names a mail or a conversation of ours. Lists forward answers too, so then it is none of their own mail. */
export function automaticKind(mail: Mail, envelopeFrom: string | undefined, answersUs: boolean): Automatic | undefined {
  const has = (...names: string[]) => names.some((name) => mail.headers(name).length > 0);
  const submitted = mail.headers('auto-submitted')[0]?.split(';')[0]!.trim().toLowerCase();
  const precedence = mail.headers('precedence')[0]?.toLowerCase();
  if (!answersUs && (has('list-id', 'list-unsubscribe', 'list-post') || ['bulk', 'junk', 'list'].includes(precedence ?? ''))) return 'bulk';
  if (submitted === 'no') return undefined;
  const automatic = submitted !== undefined || precedence === 'auto_reply' || precedence === 'bulk' || precedence === 'junk'
    || has('x-autoreply', 'x-autorespond', 'x-autoresponder', 'x-auto-response-suppress', 'feedback-id')
    || envelopeFrom === '' || mail.headers('return-path')[0] === '<>'
    || (mail.from !== undefined && automaticSenders.test(mail.from.address))
    || (answersUs && awaySubjects.test(mail.subject ?? ''));
  return automatic ? 'auto_reply' : undefined;
}

/** Why it must not go on: it is our own mail again, or has been round too often. */
export function loopOf(mail: Mail, own: { loopMark: string; isOurs: (address: string) => boolean; isOurMessageId: (id: string) => boolean }): string | undefined {
  if (mail.headers('x-conversations-loop').includes(own.loopMark)) return 'loop: sent by this connection';
  if (own.isOurMessageId(mail.messageId)) return 'loop: a mail of ours';
  if (mail.from && own.isOurs(mail.from.address)) return 'loop: from an address of ours';
  return mail.headers('received').length > RECEIVED_MAX ? 'loop: carried too often' : undefined;
}
