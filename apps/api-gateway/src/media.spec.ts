import type { AddMessage } from '@parley/contracts/commands';
import type { MessageAdded } from '@parley/domain/conversation/events';
import { DomainError } from '@parley/domain/domain-error';
import { newSid } from '@parley/domain/sid';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestGateway, unknown } from './gateway.testing.js';

const png = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(2000, 7)]);
const LIMIT = 2_000_000;
type Body = RequestInit['body'];
let gateway: TestGateway;
let folder: string;
let conversation: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-media-'));
  gateway = await TestGateway.start({ MEDIA_FOLDER: folder, MEDIA_BYTES_MAX: String(LIMIT) });
  conversation = await gateway.conversation();
});
afterAll(async () => {
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

const mediaPath = () => `/v1/Services/${gateway.account.service}/Media`;
const post = (body: Body, type?: string, query = '', headers: Record<string, string> = {}) =>
  gateway.fetch(`${mediaPath()}${query}`, { method: 'POST', body, headers: { ...(type !== undefined && { 'content-type': type }), ...headers }, duplex: 'half' } as RequestInit);
async function uploaded(body: Body = png, type = 'image/png', query = ''): Promise<any> {
  const response = await post(body, type, query);
  expect([response.status, response.headers.get('content-type')]).toEqual([201, 'application/json; charset=utf-8']);
  return response.json();
}
const codeOf = async (answer: Promise<Response>) => {
  const response = await answer;
  return [response.status, ((await response.json()) as { code: number }).code];
};

describe('an upload', () => {
  it('of raw bytes is the documented resource, and its content comes back by both addresses', async () => {
    const media = await uploaded(png, 'image/png', '?Category=media&Filename=Foto%20%C3%BC.png');
    const { sid: account, service } = gateway.account;
    const url = `https://api.example${mediaPath()}/${media.sid}`;
    expect(media).toEqual({
      sid: expect.stringMatching(/^ME[0-9a-f]{32}$/), account_sid: account, service_sid: service, date_created: expect.any(String),
      date_updated: expect.any(String), date_upload_updated: expect.any(String), channel_sid: null, message_sid: null, size: png.length,
      content_type: 'image/png', filename: 'Foto ü.png', author: null, category: 'media', is_multipart_upstream: false, url,
      links: { content: `${url}/Content`, content_direct_temporary: expect.stringContaining(`https://api.example/media/${media.sid}?expires=`) },
    });
    expect((await gateway.call(url)).body).toMatchObject({ sid: media.sid, size: png.length });
    for (const response of [await gateway.fetch(media.links.content), await gateway.fetch(media.links.content_direct_temporary, {}, null)]) {
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'image/png', 'content-length': String(png.length), 'x-content-type-options': 'nosniff', 'accept-ranges': 'bytes',
        'content-disposition': `inline; filename="Foto _.png"; filename*=UTF-8''Foto%20%C3%BC.png`, 'access-control-allow-origin': '*',
      });
      expect(Buffer.from(await response.arrayBuffer()).equals(png)).toBe(true);
    }
  });
  it('of a form takes its first file, whatever the field is called', async () => {
    const form = new FormData();
    form.append('note', 'x');
    form.append('photo.png', new Blob([png], { type: 'image/png' }), 'photo.png');
    form.append('other', new Blob(['second'], { type: 'text/plain' }), 'second.txt');
    const response = await post(form);
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ filename: 'photo.png', content_type: 'image/png', size: png.length, is_multipart_upstream: true });
  });
  it('of unknown length is streamed', async () => {
    const chunks = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 20; i++) controller.enqueue(Buffer.alloc(50_000, i));
        controller.close();
      },
    });
    expect(await uploaded(chunks, 'application/octet-stream')).toMatchObject({ size: 1_000_000, content_type: 'application/octet-stream', filename: null });
  });
  it.each<[string, string | undefined, Buffer | string, string]>([
    ['no type', undefined, png, 'image/png'], ['another picture', 'image/jpeg', png, 'image/png'], ['text', 'text/plain; charset=UTF-8', 'hello', 'text/plain; charset=utf-8'],
    ['JSON', 'application/json', '{}', 'application/json'], ['a form type', 'application/x-www-form-urlencoded', 'a=b', 'application/x-www-form-urlencoded'],
  ])('with %s', async (_, type, body, stored) => {
    const response = await post(body, type);
    expect(response.status).toBe(201);
    expect(((await response.json()) as { content_type: string }).content_type).toBe(stored);
  });
  it.each<[string, string, Buffer | string, string, [number, number]]>([
    ['text that claims to be a picture', 'image/png', '<html><script>', '', [400, 50511]], ['a program that claims to be text', 'text/plain', Buffer.from('4d5a90000300000004000000ffff0000', 'hex'), '', [400, 50511]],
    ['too much', 'text/plain', 'x'.repeat(LIMIT + 1), '', [413, 50512]], ['nothing', 'text/plain', '', '', [400, 20001]],
    ['another category', 'text/plain', 'x', '?Category=other', [400, 20001]], ['a form that is none', 'multipart/form-data; boundary=x', 'x', '', [400, 20001]],
    ['a form without boundary', 'multipart/form-data; a=b', 'x', '', [400, 20001]],
    ['a form without file', 'multipart/form-data; boundary=x', '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n', '', [400, 20001]],
    ['a form that breaks off', 'multipart/form-data; boundary=x', '--x\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\nb', '', [400, 20001]],
  ])('refuses %s', async (_, type, body, query, answer) => expect(await codeOf(post(body, type, query))).toEqual(answer));
  it('refuses too much of unknown length, and in a form; nothing stays on the disk', async () => {
    const big = Buffer.alloc(LIMIT + 1);
    const form = new FormData();
    form.append('f', new Blob([big]), 'f');
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.alloc(65_536)) });
    expect(await codeOf(post(form))).toEqual([413, 50512]);
    expect(await codeOf(post(endless, 'text/plain')).catch(() => [413, 50512])).toEqual([413, 50512]); // cut off while it still sends
    for (const end = Date.now() + 30_000; Date.now() < end && (await readdir(join(folder, 'incoming'))).length > 0;) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  });
  it('is refused without credentials, and for a service of somebody else', async () => {
    expect((await gateway.fetch(mediaPath(), { method: 'POST', body: 'x' }, null)).status).toBe(401);
    expect((await gateway.fetch(mediaPath(), { method: 'POST', body: 'x' }, gateway.other)).status).toBe(404);
  });
  it('with an idempotency key is done once', async () => {
    const sids = await Promise.all(['a', 'b'].map(async (key) => {
      const [first, again] = [await post(png, 'image/png', '', { 'idempotency-key': key }), await post(png, 'image/png', '', { 'idempotency-key': key })];
      expect([first.status, again.status]).toEqual([201, 201]);
      const { sid } = (await first.json()) as { sid: string };
      expect(await again.json()).toMatchObject({ sid });
      return sid;
    }));
    expect(sids[0]).not.toBe(sids[1]);
    expect(await codeOf(post('another', 'text/plain', '', { 'idempotency-key': 'a' }))).toEqual([409, 20409]);
  });
  it('leaves the limit of all other bodies as it is', async () => {
    const answer = await gateway.call(`/Conversations/${conversation}/Messages`, { body: `Body=${'x'.repeat(1_100_000)}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    expect([answer.status, answer.body.code]).toEqual([413, 20413]);
  });
});

describe('content', () => {
  it.each<[string, number, string | null, number]>([
    ['bytes=0-9', 206, 'bytes 0-9/2016', 10], ['bytes=2000-', 206, 'bytes 2000-2015/2016', 16], ['bytes=-6', 206, 'bytes 2010-2015/2016', 6],
    ['bytes=10-5000', 206, 'bytes 10-2015/2016', 2006], ['bytes=2016-', 416, 'bytes */2016', 0], ['bytes=5-1', 200, null, 2016], ['bytes=0-1,4-5', 200, null, 2016],
    ['pages=1', 200, null, 2016],
  ])('range %s', async (range, status, contentRange, length) => {
    const { links } = await uploaded();
    const response = await gateway.fetch(links.content_direct_temporary, { headers: { range } }, null);
    expect([response.status, response.headers.get('content-range'), (await response.arrayBuffer()).byteLength]).toEqual([status, contentRange, length]);
  });
  it('answers HEAD, and 304 to who has it', async () => {
    const { links } = await uploaded();
    const head = await gateway.fetch(links.content_direct_temporary, { method: 'HEAD' }, null);
    expect([head.status, head.headers.get('content-type'), head.headers.get('content-length')]).toEqual([200, 'image/png', '2016']);
    expect((await gateway.fetch(links.content, { headers: { 'if-none-match': head.headers.get('etag')! } })).status).toBe(304);
  });
  it('that a browser could run is a download', async () => {
    const { links } = await uploaded('<html><script>alert(1)</script></html>', 'text/html', '?Filename=..%2F..%2Fa%22b.html');
    const { headers } = await gateway.fetch(links.content_direct_temporary, {}, null);
    expect(headers.get('content-disposition')).toBe(`attachment; filename="a_b.html"; filename*=UTF-8''a%22b.html`);
    expect(headers.get('content-security-policy')).toContain('sandbox');
  });
  it('needs an address that is signed, ours and not over', async () => {
    const { sid, links } = await uploaded();
    const other = await uploaded();
    const url: string = links.content_direct_temporary;
    const late = Math.floor(Date.now() / 1000) + 9999;
    for (const wrong of [url.replace(/expires=\d+/, `expires=${late}`), url.replace(sid, other.sid), url.slice(0, -3), `/media/${sid}`, url.replace(/expires=\d+/, 'expires=1')])
      expect((await gateway.fetch(wrong, {}, null)).status).toBe(403);
    expect((await gateway.fetch(url, { method: 'OPTIONS' }, null)).status).toBe(204);
  });
  it('is refused by its address as well while the account is suspended', async () => {
    const [{ sid, links }, suspended] = [await uploaded(), newSid('AC')];
    await gateway.database.pool.query(
      "insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid, status, own_status) values ($1, '', $2, 'IS', 'suspended', 'suspended')",
      [suspended, gateway.database.box.seal('token')],
    );
    await gateway.database.pool.query('update media.media set account = $2 where sid = $1', [sid, suspended]);
    expect((await gateway.fetch(links.content_direct_temporary, {}, null)).status).toBe(403);
  });
  it('and metadata are nobody else’s', async () => {
    const { url, links } = await uploaded();
    for (const address of [url, links.content]) {
      expect((await gateway.fetch(address, {}, gateway.other)).status).toBe(404);
      expect((await gateway.fetch(address.replace(gateway.account.service, gateway.other.service))).status).toBe(404);
    }
    expect((await gateway.fetch(url, { method: 'DELETE' }, gateway.other)).status).toBe(404);
    expect((await gateway.fetch(`${mediaPath()}/${unknown('ME')}`)).status).toBe(404);
  });
  it('is gone when it was deleted', async () => {
    const { url, links } = await uploaded();
    expect((await gateway.fetch(url, { method: 'DELETE' })).status).toBe(204);
    expect((await gateway.fetch(url)).status).toBe(404);
    expect((await gateway.fetch(links.content_direct_temporary, {}, null)).status).toBe(404);
    expect((await gateway.fetch(url, { method: 'DELETE' })).status).toBe(404);
  });
});

it('a storage that does not work is 503, in and out', async () => {
  const { url, links } = await uploaded();
  const place = join(folder, gateway.account.sid);
  await rename(place, `${place}.away`);
  await writeFile(place, 'no folder');
  const answers = [await gateway.fetch(links.content), await post(png, 'image/png')];
  expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([[503, '1'], [503, '1']]);
  expect((await gateway.fetch(url)).status).toBe(200);
  await rm(place);
  await rename(`${place}.away`, place);
  expect((await gateway.fetch(links.content)).status).toBe(200);
});

it('a MediaSet answers each with a code of its own', async () => {
  const { sid } = await uploaded();
  const set = (body: string, type = 'application/json') => gateway.fetch(`/v1/Services/${gateway.account.service}/MediaSet`, { method: 'POST', body, headers: { 'content-type': type } });
  const response = await set(JSON.stringify({ command: 'get', list: [{ media_sid: sid }, { media_sid: unknown('ME') }] }));
  expect(await response.json()).toMatchObject([{ code: 200, media_record: { sid, size: png.length } }, { code: 404, media_record: { sid: unknown('ME') } }]);
  for (const bad of ['{', '[]', '{"command":"put","list":[]}', '{"command":"get","list":[{"media_sid":"x"}]}']) expect(await codeOf(set(bad))).toEqual([400, 20001]);
  expect(await codeOf(set('a=b', 'application/x-www-form-urlencoded'))).toEqual([415, 19056]);
});

describe('a message with a file', () => {
  const send = (MediaSid: string, headers: Record<string, string> = {}) => gateway.call(`/Conversations/${conversation}/Messages`, { form: { MediaSid }, headers });
  const added: AddMessage[] = [];
  beforeEach(() => {
    added.length = 0;
    gateway.commands.addMessage = async (_caller, _sid, data) => {
      added.push(data);
      return {
        messageSid: newSid('IM'), index: 0, author: 'system', participantSid: null, body: null, attributes: '{}', media: data.media ?? null, contentSid: null,
        subject: null, recipients: [], source: null, createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:00:00.000Z',
      } satisfies MessageAdded;
    };
  });
  it('lists it, and the file knows its message', async () => {
    const media = await uploaded(png, 'image/png', '?Filename=a.png');
    const { status, body } = await send(media.sid);
    expect(status).toBe(201);
    expect(body.media).toEqual([{ sid: media.sid, size: png.length, content_type: 'image/png', filename: 'a.png' }]);
    expect((await gateway.call(media.url)).body).toMatchObject({ channel_sid: conversation, message_sid: body.sid });
    expect((await send(media.sid)).body).toMatchObject({ code: 50508, status: 400 });
  });
  it('may be sent again with its key', async () => {
    const media = await uploaded();
    const headers = { 'idempotency-key': 'twice' };
    expect([(await send(media.sid, headers)).status, (await send(media.sid, headers)).status]).toEqual([201, 201]);
  });
  it('leaves the file free when it is refused, and not when that is unclear', async () => {
    const media = await uploaded();
    const { addMessage } = gateway.commands;
    gateway.commands.addMessage = async () => { throw new DomainError('conversation_closed'); };
    expect((await send(media.sid)).body.code).toBe(50377);
    gateway.commands.addMessage = async () => { throw new DomainError('unavailable'); };
    expect((await send(media.sid)).status).toBe(503);
    gateway.commands.addMessage = addMessage!;
    expect((await send(media.sid)).body.code).toBe(50508);
  });
  it.each([[unknown('ME'), 404, 50507], ['ME1', 400, 50510]])('refuses %s', async (sid, status, code) =>
    expect((await send(sid)).body).toMatchObject({ status, code }));
  it('goes once only, of two at the same time', async () => {
    const { sid } = await uploaded();
    const statuses = (await Promise.all([send(sid), send(sid), send(sid)])).map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 400, 400]);
    expect(added).toHaveLength(1);
  });
  it('does not get what is over its time', async () => {
    const { sid, url } = await uploaded();
    await gateway.database.pool.query("update media.media set expires_at = now() - interval '1 s' where sid = $1", [sid]);
    expect((await send(sid)).body.code).toBe(50507);
    expect((await gateway.call(url)).status).toBe(404);
  });
});
