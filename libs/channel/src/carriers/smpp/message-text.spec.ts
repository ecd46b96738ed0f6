import { decodeText, encodeText, encodingOf, partsOf, type Encoding } from './message-text.js';

const rules = { defaultAlphabet: 'gsm7', sendLatin1: false } as const;
const lengths = (text: string, header: 6 | 7 = 6) => partsOf(encodeText(text, rules), header).map(({ length }) => length);

describe('a text on its way out', () => {
  it.each([
    ['Price: 5€ [ok]', rules, 'gsm7', 0], ['Привет 👋', rules, 'ucs2', 8], ['café', rules, 'gsm7', 0], ['señá', rules, 'ucs2', 8],
    ['señá', { ...rules, sendLatin1: true }, 'latin1', 3], ['Привет', { ...rules, sendLatin1: true }, 'ucs2', 8], ['5€', { ...rules, sendLatin1: true }, 'gsm7', 0],
    ['hi', { ...rules, defaultAlphabet: 'latin1' }, 'latin1', 3], ['5€', { ...rules, defaultAlphabet: 'latin1' }, 'ucs2', 8],
    ['Привет', { ...rules, defaultAlphabet: 'utf8' }, 'utf8', 0],
  ] as const)('%j is sent with %j as %s, data_coding %d', (text, how, encoding, dataCoding) => {
    const encoded = encodeText(text, how);
    expect(encoded).toMatchObject({ encoding, dataCoding });
    expect(decodeText(encoded.octets, encoding)).toBe(text);
  });
  it.each([
    ['160 characters', 'a'.repeat(160), [160]], ['161', 'a'.repeat(161), [153, 8]], ['80 of two septets', '€'.repeat(80), [160]],
    ['an escape at the cut', `${'a'.repeat(152)}€${'b'.repeat(10)}`, [152, 12]],
    ['70 units', 'Ж'.repeat(70), [140]], ['71', 'Ж'.repeat(71), [134, 8]], ['35 of two units', '👋'.repeat(35), [140]],
    ['a pair at the cut', `${'Ж'.repeat(66)}👋${'Ж'.repeat(5)}`, [132, 14]],
  ])('is cut where the air interface wants it: %s', (_, text, expected) => {
    expect(lengths(text)).toEqual(expected);
  });
  it('leaves one octet more for a reference of 16 bits', () => {
    expect([lengths('a'.repeat(161), 7), lengths('Ж'.repeat(71), 7)]).toEqual([[152, 9], [132, 10]]);
  });
  it('is whole again when its parts are joined, and each part is whole in itself', () => {
    const words = ['a€b[c]', 'Ж👋é', 'plain ', '👩‍👩‍👧', 'ñ'];
    for (let n = 0; n < 60; n++) for (const alphabet of ['gsm7', 'utf8'] as const) {
      const text = Array.from({ length: 60 + n }, (_, i) => words[(i * 7 + n * i) % words.length]).join('');
      const encoded = encodeText(text, { ...rules, defaultAlphabet: alphabet });
      const parts = partsOf(encoded);
      expect(Buffer.concat(parts)).toEqual(encoded.octets);
      expect(parts.map((part) => decodeText(part, encoded.encoding)).join('')).toBe(text);
    }
  });
});

describe('a text that comes', () => {
  it.each([
    [0x00, 'gsm7'], [0x01, 'latin1'], [0x03, 'latin1'], [0x08, 'ucs2'], [0x06, 'iso-8859-5'], [0x07, 'iso-8859-8'], [0x05, 'shift_jis'], [0x0e, 'euc-kr'],
    [0xf0, 'gsm7'], [0x10, 'gsm7'], [0x18, 'ucs2'], [0x02, undefined], [0x04, undefined], [0xf4, undefined], [0x14, undefined], [0x99, undefined],
  ] as const)('with data_coding %d is %s', (dataCoding, encoding) => {
    expect(encodingOf(dataCoding, rules)).toBe(encoding);
  });
  it.each([
    ['043f0440', 'ucs2', 'пр'], ['043f04', 'ucs2', 'п'], ['bfe0d8', 'iso-8859-5', 'При'], ['82a082a2', 'shift_jis', 'あい'], ['d83d', 'ucs2', '\ufffd'],
  ] as Array<[string, Encoding | 'iso-8859-5' | 'shift_jis', string]>)('%s in %s is %j', (octets, encoding, text) => {
    expect(decodeText(Buffer.from(octets, 'hex'), encoding)).toBe(text);
  });
});
