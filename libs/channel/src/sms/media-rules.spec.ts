import { asMms } from './media-rules.js';

const file = (name: string, contentType: string | null, bytes: number | null) => ({ url: `https://files.test/${name}`, contentType, filename: name, bytes });
const rules = { bytesMax: 1_000_000, otherBytesMax: 500_000, filesMax: 3 };
const sent = (files: ReturnType<typeof file>[], { body = 'look', sender = '+12025550101', recipient = '+12025550102', reach = 'north-america' as const } = {}) => {
  const { body: text, media } = asMms({ body, media: files, sender, recipient }, rules, reach);
  return [text, media.map(({ filename }) => filename)];
};
const photo = file('a.jpg', 'image/jpeg', 600_000);

describe('files of a message go', () => {
  it('as they are while they fit', () => {
    expect(sent([photo, file('b.mp4', 'video/mp4', 400_000)])).toEqual(['look', ['a.jpg', 'b.mp4']]);
    expect(sent([file('t.png', null, null)])).toEqual(['look', ['t.png']]);
    expect(sent([file('c.vcf', 'text/vcard; charset=utf-8', 100)])).toEqual(['look', ['c.vcf']]);
  });
  it.each([
    ['when they are too large together', [photo, file('b.jpg', 'image/jpeg', 600_000)], ['look\nhttps://files.test/b.jpg', ['a.jpg']]],
    ['when they are too large for their kind', [file('b.mp4', 'video/mp4', 600_000)], ['look\nhttps://files.test/b.mp4', []]],
    ['when no handset knows their kind', [file('x.zip', 'application/zip', 9), file('h.heic', 'image/heic', 9)], ['look\nhttps://files.test/x.zip\nhttps://files.test/h.heic', []]],
    ['when there are too many', ['1', '2', '3', '4'].map((name) => file(name, 'image/png', 1)), ['look\nhttps://files.test/4', ['1', '2', '3']]],
  ] as const)('as links %s', (_, files, expected) => expect(sent([...files])).toEqual(expected));
  it('as links where MMS does not reach', () => {
    expect(sent([photo], { recipient: '+4915550100002' })).toEqual(['look\nhttps://files.test/a.jpg', []]);
    expect(sent([photo], { sender: 'Parley' })).toEqual(['look\nhttps://files.test/a.jpg', []]);
    expect(asMms({ body: null, media: [photo], sender: '+12025550101', recipient: '+12025550102' }, rules, 'never')).toEqual({ body: photo.url, media: [] });
    expect(asMms({ body: null, media: [photo], sender: '+4915550100001', recipient: '+4915550100002' }, rules, 'everywhere')).toEqual({ body: null, media: [photo] });
  });
});
