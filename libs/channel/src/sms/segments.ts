/**
 * How a text travels as short messages (channel facts, 1.7): 160 septets of GSM-7 or 70 units of UTF-16 in one; longer texts
 * lose room in each part to the header that says which part it is. A character is never cut in two.
 */
import { gsm7Length } from './gsm7.js';

export type SmsEncoding = 'gsm7' | 'ucs2';
export type Segments = {
  encoding: SmsEncoding;
  /** One text per short message, in order; joined they are the whole. An empty text is one empty part. */
  parts: string[];
};

/** Septets, or UTF-16 units, in a message that is alone. */
const ALONE = { gsm7: 160, ucs2: 70 } as const;
/** In each part of several, by the bits of the reference that the header carries. */
const OF_SEVERAL = { gsm7: { 8: 153, 16: 152 }, ucs2: { 8: 67, 16: 66 } } as const;

/** One character outside GSM-7 makes the whole text UCS-2. */
export function smsEncodingOf(text: string): SmsEncoding {
  for (const character of text) if (gsm7Length(character) === 0) return 'ucs2';
  return 'gsm7';
}

/**
 * The parts a text is sent in. `referenceBits`: the size of the concatenation reference, 8 unless the connection says 16.
 * More than 255 parts cannot be numbered: the caller's limit on the text's length keeps it from coming to that.
 */
export function segmentsOf(text: string, referenceBits: 8 | 16 = 8): Segments {
  const encoding = smsEncodingOf(text);
  const weigh = encoding === 'gsm7' ? gsm7Length : ({ length }: string) => length;
  const alone = cut(text, ALONE[encoding], weigh);
  return { encoding, parts: alone.length === 1 ? alone : cut(text, OF_SEVERAL[encoding][referenceBits], weigh) };
}

function cut(text: string, room: number, weigh: (character: string) => number): string[] {
  const parts = [''];
  let used = 0;
  for (const character of text) {
    const weight = weigh(character);
    if (used + weight > room) {
      parts.push('');
      used = 0;
    }
    parts[parts.length - 1] += character;
    used += weight;
  }
  return parts;
}
