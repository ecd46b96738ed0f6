/** How an answer is tied to the mails before it (RFC 5322, 3.6.4), and what stands above it. */

const REFERENCES_HEAD = 1;
const REFERENCES_TAIL = 20;
const SUBJECT_CHARS_MAX = 256;
/** What mail programs put before the subject of an answer or a forwarded mail, in their languages. */
const prefix = /^\s*(?:re|aw|sv|antw|vs|ref|rif|res|odp|fwd?|wg|tr|rv|enc|vl)(?:\[\d+\])?\s*:\s*/i;

export function bareSubject(subject: string): string {
  let bare = subject.trim();
  while (prefix.test(bare)) bare = bare.replace(prefix, '');
  return bare;
}

/** The customer's own subject, marked as an answer once. */
export const answerSubject = (subject: string): string => `Re: ${bareSubject(subject)}`.slice(0, SUBJECT_CHARS_MAX).trim();

/** The thread with `newest` at its end: the first and the last twenty of long ones. */
export function referencesWith(references: readonly string[], newest: string | undefined): string[] {
  const thread = [...new Set(newest === undefined ? references : [...references.filter((id) => id !== newest), newest])];
  return thread.length <= REFERENCES_HEAD + REFERENCES_TAIL ? thread : [...thread.slice(0, REFERENCES_HEAD), ...thread.slice(-REFERENCES_TAIL)];
}
