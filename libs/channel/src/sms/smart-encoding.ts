/**
 * Smart encoding (channel facts, 1.7): word processors put in quotes, dashes and spaces that GSM-7 does not have and nobody
 * misses. One of them would make the whole text UCS-2, with less than half as many characters in a message.
 */
import { smsEncodingOf } from './segments.js';

const replacements = new Map<string, string>([
  ...each('“”„‟«»″❝❞〝〞＂', '"'), ...each('‘’‚‛′‹›ʻʼˈ❛❜', "'"), ...each('‐‑‒–—―−⁃﹘﹣', '-'), ['…', '...'], ['`', "'"], ['•', '*'], ['·', '.'],
  // No-break, figure, thin and other spaces; line and paragraph separators; tab.
  ...each('\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t', ' '), ...each('\u2028\u2029', '\n'),
  // Width of nothing: soft hyphen, joiners, direction marks, byte order mark.
  ...each('\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff', ''),
]);

/** The text in GSM-7 when look-alikes make it so; otherwise as it was, since changing it would gain nothing. */
export function smartEncoded(text: string): string {
  if (smsEncodingOf(text) === 'gsm7') return text;
  let plain = '';
  for (const character of text) plain += replacements.get(character) ?? character;
  return smsEncodingOf(plain) === 'gsm7' ? plain : text;
}

function each(characters: string, replacement: string): [string, string][] {
  return Array.from(characters, (character) => [character, replacement]);
}
