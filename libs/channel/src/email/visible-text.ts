/**
 * What somebody wrote, without what they answered and without their signature. Nothing is lost by it: the whole text is kept
 * beside it, and where nothing would be left the whole text is what they wrote.
 */
import EmailReplyParser from 'email-reply-parser';
import { cleanHtml, textOfHtml, withoutQuotes } from './clean-html.js';

/** The parser's time grows with the square of a line's length: paragraphs are shorter, hostile lines are left as they are. */
const PARSED_CHARS_MAX = 100_000;
const LINE_CHARS_MAX = 5_000;
const marker = /^.{0,20}\breply above this line\b.*$/im;
/** Languages whose "X wrote:" the parser does not know still end it with an address and a colon. */
const attribution = /\n?^.{0,200}<[^<>\s]+@[^<>\s]+>:\s*$/m;
const parser = new EmailReplyParser();

export type MailText = {
  /** What is new. */
  visible: string;
  full: string;
  /** Cleaned, quotes and all. */
  html: string | undefined;
};

export function textOf({ text, html }: { text: string; html: string | undefined }): MailText {
  const clean = html === undefined ? undefined : cleanHtml(html);
  if (text.trim() !== '') return { visible: visibleIn(text), full: text.trim(), html: clean };
  if (html === undefined) return { visible: '', full: '', html: undefined };
  const full = textOfHtml(clean!);
  return { visible: visibleIn(textOfHtml(cleanHtml(withoutQuotes(html)))) || full, full, html: clean };
}

function visibleIn(text: string): string {
  const own = text.slice(0, PARSED_CHARS_MAX).split(marker, 1)[0]!;
  if (own.split('\n').some((line) => line.length > LINE_CHARS_MAX)) return own.trim() || text.trim();
  const read = parser.read(own).getVisibleText().trim();
  const last = read.lastIndexOf('\n');
  const visible = attribution.test(read.slice(last + 1)) ? read.slice(0, Math.max(last, 0)).trim() : read;
  return visible || text.trim();
}
