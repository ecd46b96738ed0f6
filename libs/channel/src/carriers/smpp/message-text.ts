/**
 * Texts to octets and data_coding, cut into parts, and back (channel facts, 1.7). The alphabet is always ours to choose and
 * always said: what a library guesses is not what operators expect.
 */
import { decodeGsm7, encodeGsm7 } from '../../sms/gsm7.js';
import type { SmppSettings } from './definition.js';

export type Encoding = 'gsm7' | 'ucs2' | 'latin1' | 'utf8';
export type EncodedText = { encoding: Encoding; dataCoding: number; octets: Buffer };
type Rules = Pick<SmppSettings, 'defaultAlphabet' | 'sendLatin1'>;

export const DataCoding = { default: 0, ascii: 1, octets: 2, latin1: 3, octetsToo: 4, japanese: 5, cyrillic: 6, hebrew: 7, ucs2: 8, korean: 14 } as const;

/** Octets of one message, and of one part beside a header with a reference of 8 bits: 140 octets of the air interface. */
const single: Record<Encoding, number> = { gsm7: 160, ucs2: 140, latin1: 140, utf8: 140 };
/** Announces a character of GSM-7's extension table. */
const ESCAPE = 0x1b;
const part: Record<Encoding, number> = { gsm7: 153, ucs2: 134, latin1: 134, utf8: 134 };

export function encodeText(text: string, { defaultAlphabet, sendLatin1 }: Rules): EncodedText {
  if (defaultAlphabet === 'utf8') return { encoding: 'utf8', dataCoding: DataCoding.default, octets: Buffer.from(text) };
  const gsm7 = encodeGsm7(text);
  if (gsm7 && defaultAlphabet === 'gsm7') return { encoding: 'gsm7', dataCoding: DataCoding.default, octets: Buffer.from(gsm7) };
  // Where zero is Latin-1 as well, 3 says the same without leaving it open.
  if (isLatin1(text) && (sendLatin1 || defaultAlphabet === 'latin1')) return { encoding: 'latin1', dataCoding: DataCoding.latin1, octets: Buffer.from(text, 'latin1') };
  return { encoding: 'ucs2', dataCoding: DataCoding.ucs2, octets: Buffer.from(text, 'utf16le').swap16() };
}

/** The parts of a message, one if it fits. `headerOctets`: 6 for a reference of 8 bits, 7 for one of 16. */
export function partsOf({ encoding, octets }: EncodedText, headerOctets: 6 | 7 = 6): Buffer[] {
  if (octets.length <= single[encoding]) return [octets];
  // One octet more of header costs one octet, which is a septet and a bit, or half of a character.
  const max = headerOctets === 6 ? part[encoding] : part[encoding] - (encoding === 'ucs2' ? 2 : 1);
  const parts: Buffer[] = [];
  for (let from = 0; from < octets.length; ) {
    const end = Math.min(from + max, octets.length);
    const to = end === octets.length ? end : end - brokenBy(octets, end, encoding);
    parts.push(octets.subarray(from, to));
    from = to;
  }
  return parts;
}

/** How many octets before `end` belong to a character that goes on behind it. */
function brokenBy(octets: Buffer, end: number, encoding: Encoding): number {
  if (encoding === 'gsm7') return octets[end - 1] === ESCAPE ? 1 : 0;
  if (encoding === 'ucs2') return (octets[end - 2]! & 0xfc) === 0xd8 ? 2 : 0;
  if (encoding === 'latin1') return 0;
  let back = 0;
  while (back < 3 && (octets[end - back]! & 0xc0) === 0x80) back++;
  return back;
}

/** How inbound octets are read; undefined: no text (binary, or an alphabet nobody named). */
export function encodingOf(dataCoding: number, { defaultAlphabet }: Pick<Rules, 'defaultAlphabet'>): Encoding | 'iso-8859-5' | 'iso-8859-8' | 'shift_jis' | 'euc-kr' | undefined {
  switch (dataCoding) {
    case DataCoding.default: return defaultAlphabet;
    case DataCoding.ascii: return 'latin1';
    case DataCoding.latin1: return 'latin1';
    case DataCoding.ucs2: return 'ucs2';
    case DataCoding.cyrillic: return 'iso-8859-5';
    case DataCoding.hebrew: return 'iso-8859-8';
    case DataCoding.japanese: return 'shift_jis';
    case DataCoding.korean: return 'euc-kr';
    default: break;
  }
  // 3GPP TS 23.038: message classes (flash among them) and waiting indications; bits 2 and 3 name the alphabet.
  if ((dataCoding & 0xf0) === 0xf0) return (dataCoding & 0x04) === 0 ? defaultAlphabet : undefined;
  if ((dataCoding & 0xf0) === 0x10) return ([defaultAlphabet, undefined, 'ucs2', undefined] as const)[(dataCoding >> 2) & 3];
  return undefined;
}

export function decodeText(octets: Buffer, encoding: NonNullable<ReturnType<typeof encodingOf>>): string {
  switch (encoding) {
    case 'gsm7': return decodeGsm7(octets);
    case 'latin1': return octets.toString('latin1');
    case 'utf8': return octets.toString('utf8');
    case 'ucs2': return Buffer.from(octets.subarray(0, octets.length & ~1)).swap16().toString('utf16le').toWellFormed();
    default: return new TextDecoder(encoding).decode(octets);
  }
}

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}
