import { isIdentity } from './identity.js';

it.each([
  ['ann', true], ['Ann ü/+', true], ['x'.repeat(256), true], ['x'.repeat(257), false], ['', false], ['a\0', false], ['\ud83d', false],
  ['system', false], ['System', true], [`US${'a'.repeat(32)}`, false], [`US${'a'.repeat(31)}`, true],
])('%j', (text, fine) => expect(isIdentity(text)).toBe(fine));
