/**
 * The alphabet of short messages (3GPP TS 23.038, 6.2.1; channel facts, 1.7): 128 characters of seven bits, and ten more behind
 * an escape that count twice. Here one septet takes one octet, as SMPP carries them and as everybody counts them.
 */
const basic =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ' +
  ' !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§' +
  '¿abcdefghijklmnopqrstuvwxyzäöñüà';
const extended: ReadonlyArray<readonly [number, string]> = [
  [0x0a, '\f'], [0x14, '^'], [0x28, '{'], [0x29, '}'], [0x2f, '\\'], [0x3c, '['], [0x3d, '~'], [0x3e, ']'], [0x40, '|'], [0x65, '€'],
];

/** Announces a character of the extension table. */
const ESCAPE = 0x1b;

const septetsOf = new Map<string, readonly number[]>([
  ...[...basic].map((character, code) => [character, [code]] as const).filter(([, [code]]) => code !== ESCAPE),
  ...extended.map(([code, character]) => [character, [ESCAPE, code]] as const),
]);
const extendedByCode = new Map(extended);

/** How many septets the character takes: 1, 2, or 0 when the alphabet does not have it. */
export const gsm7Length = (character: string): 0 | 1 | 2 => (septetsOf.get(character)?.length ?? 0) as 0 | 1 | 2;

/** One septet per octet, unpacked; undefined when a single character is not in the alphabet. */
export function encodeGsm7(text: string): Uint8Array | undefined {
  const octets: number[] = [];
  for (const character of text) {
    const septets = septetsOf.get(character);
    if (!septets) return undefined;
    octets.push(...septets);
  }
  return Uint8Array.from(octets);
}

/**
 * The other way, for whatever comes: the eighth bit does not count; an escape before a code that the extension table does
 * not have is left out, as the specification wants it, and so is one at the end.
 */
export function decodeGsm7(octets: Uint8Array): string {
  let text = '';
  for (let i = 0; i < octets.length; i++) {
    const code = octets[i]! & 0x7f;
    if (code !== ESCAPE) { text += basic[code]; continue; }
    const next = octets[i + 1];
    const character = next === undefined ? undefined : extendedByCode.get(next & 0x7f);
    if (character === undefined) continue;
    text += character;
    i++;
  }
  return text;
}
