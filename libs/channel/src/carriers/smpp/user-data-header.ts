/**
 * The header before the text of a message's part (3GPP TS 23.040, 9.2.3.24): which message it belongs to, by a reference of
 * 8 or 16 bits. Other elements (ports, languages) are skipped.
 */

export type Concatenation = {
  /** Unique enough between two addresses, for some minutes; says of which kind it is, and of how many parts. */
  reference: string;
  /** From 1 to `total`. */
  number: number;
  total: number;
};

const EightBits = 0x00;
const SixteenBits = 0x08;

export function headerOf(reference: number, number: number, total: number, bits: 8 | 16): Buffer {
  if (bits === 8) return Buffer.from([5, EightBits, 3, reference & 0xff, total, number]);
  return Buffer.from([6, SixteenBits, 4, (reference >> 8) & 0xff, reference & 0xff, total, number]);
}

/** A header that makes no sense is text: better a few odd characters than a lost message. */
export function splitHeader(octets: Buffer, indicated: boolean): { octets: Buffer; concatenation?: Concatenation } {
  const length = octets[0] ?? 0;
  if (!indicated || octets.length < 1 + length) return { octets };
  const text = octets.subarray(1 + length);
  for (let at = 1; at + 2 <= 1 + length; at += 2 + octets[at + 1]!) {
    const [kind, size] = [octets[at], octets[at + 1]!];
    const element = octets.subarray(at + 2, Math.min(at + 2 + size, 1 + length));
    if (element.length !== size || !((kind === EightBits && size === 3) || (kind === SixteenBits && size === 4))) continue;
    const [total, number] = [element.at(-2)!, element.at(-1)!];
    if (total < 2 || number < 1 || number > total) break;
    const reference = kind === EightBits ? `8-${element[0]}` : `16-${element.readUInt16BE(0)}`;
    return { octets: text, concatenation: { reference: `${reference}-${total}`, number, total } };
  }
  return { octets: text };
}
