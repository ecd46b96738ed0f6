import { checkedContentType, typeOf } from './content-type.js';
import { SignedUrls } from './signed-url.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const files = {
  png: hex('89504e470d0a1a0a0000000d49484452 00000001 00000001 08060000001f15c489'),
  cutPng: Buffer.concat([hex('89504e470d0a1a0a0000000d49484452'), Buffer.alloc(17, 1), hex('00ffffff'), Buffer.from('iCCP'), Buffer.alloc(3000, 5)]), jpeg: hex('ffd8ffe000104a46494600'), gif: Buffer.from('GIF89a....'),
  pdf: Buffer.from('%PDF-1.7\n'), mp4: hex('0000001c667479706d703432'), exe: hex('4d5a90000300000004000000ffff0000'), text: Buffer.from('hello'),
  html: Buffer.from('<html><script>'), zip: hex('504b0304140000000000'),
};

it.each<[keyof typeof files, string | undefined, string | undefined]>([
  ['png', 'image/png', 'image/png'], ['png', 'IMAGE/PNG; q=1', 'image/png'], ['png', 'image/jpeg', 'image/png'], ['png', undefined, 'image/png'],
  ['png', 'text/html', undefined], ['png', 'application/pdf', undefined], ['png', 'application/x-own', 'application/x-own'],
  ['cutPng', 'image/png', 'image/png'], ['jpeg', 'image/jpg', 'image/jpeg'], ['gif', 'image/gif', 'image/gif'], ['pdf', 'application/pdf', 'application/pdf'], ['mp4', 'audio/mp4', 'audio/mp4'],
  ['text', 'image/png', undefined], ['html', 'image/gif', undefined], ['html', 'application/pdf', undefined], ['html', 'text/html', 'text/html'],
  ['text', 'text/plain; charset="UTF-8"', 'text/plain; charset=utf-8'], ['text', 'text/plain\r\nX: y', 'application/octet-stream'],
  ['exe', 'text/plain', undefined], ['exe', 'image/png', undefined], ['exe', 'application/octet-stream', 'application/x-msdownload'],
  ['zip', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['text', 'audio/amr', undefined], ['text', 'text/vcard', 'text/vcard'],
])('%s that claims %s is %s', async (name, claimed, type) => expect(await checkedContentType(claimed, files[name])).toBe(type));

it('knows what is no type', () => expect(['a', '/', 'a/b/c', 'a/b,c', '', undefined].map(typeOf)).toEqual(Array(6).fill(undefined)));

describe('a signed address', () => {
  const urls = new SignedUrls('https://p.example', Buffer.alloc(32, 1).toString('base64'));
  const sid = `ME${'a'.repeat(32)}`;
  const query = (url: string) => Object.fromEntries(new URL(url).searchParams);
  it('holds until its end, for its file', () => {
    const given = query(urls.urlOf(sid, 300, 1_000_000));
    expect(urls.holds(sid, given, 1_299_999)).toBe(true);
    expect(urls.holds(sid, given, 1_300_000)).toBe(false);
    expect(urls.holds(`ME${'b'.repeat(32)}`, given, 1_000_000)).toBe(false);
    expect(new SignedUrls('', Buffer.alloc(32, 2).toString('base64')).holds(sid, given, 1_000_000)).toBe(false);
  });
  it.each([[{}], [{ expires: ['1'], signature: 'x' }], [{ expires: '99999999999999', signature: '' }]])('%j does not', (given) => expect(urls.holds(sid, given)).toBe(false));
});
