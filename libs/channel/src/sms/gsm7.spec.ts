import { decodeGsm7, encodeGsm7, gsm7Length } from './gsm7.js';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('GSM-7', () => {
  it.each([
    ['@', '00'], ['hello', '68656c6c6f'], ['_', '11'], ['ΔΞ', '101a'], ['ÆæßÉ', '1c1d1e1f'], [' ¤/?', '20242f3f'], ['¡AZÄ§', '40415a5b5f'], ['¿azà', '60617a7f'],
    ['\n\r', '0a0d'], ['€', '1b65'], ['^{}\\[~]|', '1b141b281b291b2f1b3c1b3d1b3e1b40'], ['\f', '1b0a'],
  ])('%j is %s and back', (text, hex) => {
    expect(Buffer.from(encodeGsm7(text)!).toString('hex')).toBe(hex);
    expect(decodeGsm7(bytes(hex))).toBe(text);
  });
  it('goes back and forth with every code', () => {
    const all = Uint8Array.from({ length: 128 }, (_, code) => code).filter((code) => code !== 0x1b);
    expect(encodeGsm7(decodeGsm7(all))).toEqual(all);
    expect(new Set(decodeGsm7(all)).size).toBe(127);
  });
  it.each(['`', 'ç', '“', '–', '\t', 'á', 'Ж', '👋', 'a\x1bb'])('does not have %j', (text) => {
    expect(encodeGsm7(text)).toBeUndefined();
  });
  it('counts what is escaped twice', () => {
    expect(['a', '€', 'ç'].map(gsm7Length)).toEqual([1, 2, 0]);
  });
  it('reads what is odd: high bits, unknown and lonely escapes', () => {
    expect(decodeGsm7(bytes('e8e9'))).toBe('hi');
    expect(decodeGsm7(bytes('1b61'))).toBe('a');
    expect(decodeGsm7(bytes('611b'))).toBe('a');
    expect(decodeGsm7(bytes('1b1b65'))).toBe('€');
  });
});
