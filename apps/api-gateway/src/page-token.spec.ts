import { ApiError } from '@parley/contracts/error-catalogue';
import { pageToken, readPageToken, wholeNumber } from './page-token.js';

const indexIn = ([index]: unknown[]) => (wholeNumber(index) ? index : undefined);

describe('page tokens', () => {
  it('hold a place and a direction', () => {
    expect(readPageToken(pageToken('messages', [7], false), 'messages', indexIn)).toEqual({ key: 7, back: false });
    expect(readPageToken(pageToken('messages', [7], true), 'messages', indexIn)).toEqual({ key: 7, back: true });
    expect(readPageToken(undefined, 'messages', indexIn)).toBeUndefined();
  });
  it.each([
    '', 'x', 'PT', 'PTx', `PX${pageToken('messages', [7], false).slice(2)}`, pageToken('participants', [7], false),
    pageToken('messages', ['7'], false), pageToken('messages', [99_999_999_999], false), pageToken('messages', [], true),
    `PT${Buffer.from('null').toString('base64url')}`, `PT${Buffer.from('{"a":1}').toString('base64url')}`,
  ])('%j is none of this list', (token) => expect(() => readPageToken(token, 'messages', indexIn)).toThrow(ApiError));
});
