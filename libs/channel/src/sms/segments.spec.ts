import { segmentsOf } from './segments.js';

const shape = (text: string, bits?: 8 | 16) => {
  const { encoding, parts } = segmentsOf(text, bits);
  expect(parts.join('')).toBe(text);
  return [encoding, ...parts.map(({ length }) => length)];
};

describe('the parts of a text', () => {
  it.each<[string, string, (string | number)[]]>([
    ['nothing', '', ['gsm7', 0]],
    ['160 letters', 'a'.repeat(160), ['gsm7', 160]],
    ['161 letters', 'a'.repeat(161), ['gsm7', 153, 8]],
    ['307 letters', 'a'.repeat(307), ['gsm7', 153, 153, 1]],
    ['80 euro signs', '€'.repeat(80), ['gsm7', 80]],
    ['81 euro signs, none cut from its escape', '€'.repeat(81), ['gsm7', 76, 5]],
    ['an escape that would end a part', `${'a'.repeat(152)}€${'b'.repeat(20)}`, ['gsm7', 152, 21]],
    ['159 letters and a euro sign', `${'a'.repeat(159)}€`, ['gsm7', 153, 7]],
    ['70 letters of Cyrillic', 'Ж'.repeat(70), ['ucs2', 70]],
    ['71 letters of Cyrillic', 'Ж'.repeat(71), ['ucs2', 67, 4]],
    ['35 hands', '👋'.repeat(35), ['ucs2', 70]],
    ['36 hands, none cut in two', '👋'.repeat(36), ['ucs2', 66, 6]],
    ['one character outside', `ç${'a'.repeat(70)}`, ['ucs2', 67, 4]],
  ])('%s', (_, text, expected) => expect(shape(text)).toEqual(expected));
  it('are smaller with a reference of 16 bits', () => {
    expect(shape('a'.repeat(160), 16)).toEqual(['gsm7', 160]);
    expect(shape('a'.repeat(305), 16)).toEqual(['gsm7', 152, 152, 1]);
    expect(shape('Ж'.repeat(133), 16)).toEqual(['ucs2', 66, 66, 1]);
  });
});
