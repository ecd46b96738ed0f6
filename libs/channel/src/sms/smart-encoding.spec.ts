import { smartEncoded } from './smart-encoding.js';

describe('smart encoding', () => {
  it.each([
    ['“Hi” – it’s „me“…', '"Hi" - it\'s "me"...'],
    ['a\u00a0b\u200bc\ufeff', 'a bc'],
    ['plain [text] €', 'plain [text] €'],
    ['tab\there', 'tab here'],
  ])('%j becomes %j', (text, expected) => expect(smartEncoded(text)).toBe(expected));
  it('leaves alone what stays UCS-2 anyway', () => {
    expect(smartEncoded('“Привет” – 👋')).toBe('“Привет” – 👋');
  });
});
