import { splitText } from './split-text.js';

it.each([
  ['fits', 'one two', 10, ['one two']],
  ['between words', 'one two three', 8, ['one two', 'three']],
  ['after a sentence rather than a word', 'One two. Three four', 15, ['One two.', 'Three four']],
  ['at a line rather than a sentence', 'One. Two\nthree four', 14, ['One. Two', 'three four']],
  ['between paragraphs', 'one\n\ntwo\nthree', 6, ['one', 'two', 'three']],
  ['through a word that is longer than a message', 'abcdefghij', 4, ['abcd', 'efgh', 'ij']],
  ['not for a pause that comes too early', 'a bcdefghijkl', 10, ['a bcdefghi', 'jkl']],
  ['never through a pair', '😀😀😀', 3, ['😀', '😀', '😀']],
  ['never through a family', 'ab👨‍👩‍👧', 9, ['ab', '👨‍👩‍👧']],
  ['through a character that is longer than a message', '👨‍👩‍👧', 4, ['👨‍', '👩‍', '👧']],
  ['of white space: nothing', '   ', 2, []],
])('a text %s', (_, text, max, parts) => {
  expect(splitText(text, max)).toEqual(parts);
});
it('loses nothing but white space, whatever the text', () => {
  let seed = 7;
  const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  const signs = ['a', 'B', ' ', '\n', '. ', '😀', 'é', '👨‍👩‍👧', 'word', '\n\n'];
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: random(80) }, () => signs[random(signs.length)]!).join('');
    const max = 1 + random(20);
    const parts = splitText(text, max);
    expect(parts.every(({ length }) => length > 0 && length <= max)).toBe(true);
    expect(parts.join('').replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
  }
});
