/** A long text as several messages: cut where a reader would pause, and never through a character. */
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** A cut so far before the end costs too much of a message: then words are cut. */
const WORTH_IT = 0.5;

/** In order, each of 1 to `max` UTF-16 code units; the white space at a cut is left out. */
export function splitText(text: string, max: number): string[] {
  const parts: string[] = [];
  let rest = text.trim();
  while (rest.length > max) {
    const at = cutOf(rest, max);
    parts.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  return rest === '' ? parts : [...parts, rest];
}

/** After the last paragraph, line or word that fits; else after the last character that does. */
function cutOf(text: string, max: number): number {
  const window = text.slice(0, max + 1);
  for (const pause of [/\n\s*\n/g, /\n/g, /[.!?…]\s/g, /\s/g]) {
    const last = [...window.matchAll(pause)].at(-1);
    const at = last && last.index + (/\S/.test(last[0]) ? 1 : 0);
    if (at !== undefined && at >= max * WORTH_IT) return at;
  }
  let at = 0;
  // From a little before the end, and from there whole characters only; one that is longer than that is cut.
  for (const { index, segment } of graphemes.segment(window)) {
    if (index + segment.length > max) break;
    at = index + segment.length;
  }
  if (at > 0) return at;
  return /[\ud800-\udbff]/.test(text[max - 1]!) && max > 1 ? max - 1 : max;
}
