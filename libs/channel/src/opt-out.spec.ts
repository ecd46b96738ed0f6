import { keywordKind } from './opt-out.js';

describe('keywordKind', () => {
  it.each([
    ['STOP', 'opt_out'], ['  Stop. \n', 'opt_out'], ['"stop all"', 'opt_out'], ['opt-out!', 'opt_out'], ['revoke', 'opt_out'],
    ['start', 'opt_in'], ['Unstop', 'opt_in'], ['help', 'help'], ['Info.', 'help'],
    ['stop by at 5 please', 'message'], ['STOP PLEASE', 'message'], ['', 'message'], [null, 'message'], ['x'.repeat(5000), 'message'],
  ] as const)('%j is %s', (text, kind) => expect(keywordKind(text)).toBe(kind));
});
