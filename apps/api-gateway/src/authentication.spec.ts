import { basicCredentials } from './authentication.js';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const AC = `AC${'0'.repeat(32)}`;

describe('basicCredentials', () => {
  it('reads user and password, colons and all', () => {
    expect(basicCredentials(basic(`${AC}:a:b`))).toEqual([AC, 'a:b']);
    expect(basicCredentials(basic(`${AC}:`).replace('Basic', 'basic'))).toEqual([AC, '']);
  });
  it.each([
    undefined, '', 'Basic', 'Basic !!', 'Bearer x', basic(AC), basic(':x'), basic('alice:x'), basic(`${AC}\0:x`), basic(`${AC}:${'x'.repeat(500)}`),
  ])('%j is nobody', (header) => expect(basicCredentials(header)).toBeUndefined());
});
