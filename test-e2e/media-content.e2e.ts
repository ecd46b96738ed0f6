/** Files and content templates, from the upload to the handset and to nothing left. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import twilio from 'twilio';
import { Caller } from './caller.js';
import { Handset } from './handset.js';
import { Parley, START_MS, topology, until } from './installation.js';
import { refusal } from './refusal.js';

const png = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), randomBytes(5000)]);
let parley: Parley;
let sdk: twilio.Twilio;
let caller: Caller;
let media: string;
beforeAll(async () => {
  parley = await Parley.start();
  sdk = parley.sdk();
  caller = new Caller(parley.account, parley.installation.info);
  media = `/v1/Services/${parley.account.serviceSid}/Media`;
}, START_MS);
afterAll(() => parley?.stop(), START_MS);

type Media = { sid: string; url: string; size: number; message_sid: string | null; links: { content: string; content_direct_temporary: string } };
const conversations = () => sdk.conversations.v1.conversations;
const number = (() => { let n = 5_570_000_000; return () => `+1${n++}`; })();

async function upload(bytes: Buffer = png, type = 'image/png', name = 'photo.png'): Promise<Media> {
  const response = await fetch(`${parley.url}${media}?Filename=${name}`, {
    method: 'POST', body: new Uint8Array(bytes), headers: { authorization: caller.authorization, 'content-type': type },
  });
  expect(response.status).toBe(201);
  return (await response.json()) as Media;
}
const bytesAt = async (url: string) => {
  const response = await fetch(url);
  return { status: response.status, type: response.headers.get('content-type'), bytes: Buffer.from(await response.arrayBuffer()) };
};
const statusOf = async (url: string) => (await caller.call('GET', url)).status;

/** A conversation with somebody outside. */
async function withHandset(address = number(), proxy = number()): Promise<{ sid: string; handset: Handset }> {
  const { sid } = await conversations().create({});
  const participant = await conversations()(sid).participants.create({ 'messagingBinding.address': address, 'messagingBinding.proxyAddress': proxy });
  return { sid, handset: new Handset(caller, address, proxy, participant.sid) };
}
const received = (handset: Handset) => until(async () => {
  const all = (await handset.received()) as unknown as { body: string; mediaUrls: string[] }[];
  return all.length > 0 && all;
}, 'the handset has something');

describe(`media (${topology})`, () => {
  it('go with a message to the chat and, by an address anybody may open, to a phone', async () => {
    const { sid, handset } = await withHandset();
    const file = await upload();
    const message = await conversations()(sid).messages.create({ mediaSid: file.sid, body: 'look' });
    const listed = [{ sid: file.sid, size: png.length, content_type: 'image/png', filename: 'photo.png' }];
    expect(message.media).toEqual(listed);
    expect((await conversations()(sid).messages(message.sid).fetch()).media).toEqual(listed);
    expect((await conversations()(sid).messages.list())[0]?.media).toEqual(listed);
    expect(await caller.get<Media>(`${media}/${file.sid}`)).toMatchObject({ message_sid: message.sid, channel_sid: sid });
    const [mms] = await received(handset);
    expect(mms).toMatchObject({ body: '', mediaUrls: [expect.stringContaining(`/media/${file.sid}?`)] });
    expect(await bytesAt(mms!.mediaUrls[0]!)).toEqual({ status: 200, type: 'image/png', bytes: png });
    await until(async () => (await conversations()(sid).messages(message.sid).fetch()).delivery?.delivered === 'all', 'it is delivered');
    expect(await refusal(conversations()(sid).messages.create({ mediaSid: file.sid }))).toEqual([400, 50508]);
    expect(await refusal(conversations()(sid).messages(message.sid).update({ body: 'x' }))).toEqual([400, 50509]);
  });
  it('come in by a carrier, are measured, and go on to the others by their own channel', async () => {
    const { sid, handset } = await withHandset();
    const second = number();
    const proxy = number();
    await conversations()(sid).participants.create({ 'messagingBinding.address': second, 'messagingBinding.proxyAddress': proxy });
    const source = await upload(); // any address will do; this one needs no server of its own
    const written = JSON.stringify({ to: handset.proxy, body: '', media: [{ contentType: 'image/png', url: source.links.content_direct_temporary }] });
    const { status } = await caller.call('POST', `${parley.installation.info.simulatorUrl}/handsets/${encodeURIComponent(handset.address)}/messages`, written);
    expect(status).toBe(201);
    const message = await until(async () => {
      const [first] = await conversations()(sid).messages.list();
      return (first?.media?.[0] as { size: number } | undefined)?.size === png.length && first;
    }, 'the file was fetched');
    const [file] = message.media as { sid: string; content_type: string }[];
    expect(file).toMatchObject({ content_type: 'image/png', size: png.length });
    const { links } = await caller.get<Media>(`${media}/${file!.sid}`);
    expect((await bytesAt(links.content_direct_temporary)).bytes.equals(png)).toBe(true);
    const [mms] = await received(new Handset(caller, second, proxy, ''));
    expect((await bytesAt(mms!.mediaUrls[0]!)).bytes.equals(png)).toBe(true);
  });
  it.each(['message', 'conversation'])('are gone with their %s, also from the disk', async (what) => {
    const { sid } = await conversations().create({});
    const file = await upload();
    const message = await conversations()(sid).messages.create({ mediaSid: file.sid });
    await (what === 'message' ? conversations()(sid).messages(message.sid) : conversations()(sid)).remove();
    await until(async () => (await statusOf(`${media}/${file.sid}`)) === 404, 'nobody finds it');
    const folder = join(parley.installation.home, 'media');
    await until(async () => !(await readdir(folder, { recursive: true })).some((name) => name.endsWith(file.sid)), 'its bytes are gone');
    expect((await bytesAt(file.links.content_direct_temporary)).status).toBe(404);
  });
  it('belong to their account, and to one message of two at once', async () => {
    const { sid } = await conversations().create({});
    const other = parley.sdk(await parley.newAccount());
    const foreign = await other.conversations.v1.conversations.create({});
    const file = await upload();
    expect(await refusal(other.conversations.v1.conversations(foreign.sid).messages.create({ mediaSid: file.sid }))).toEqual([404, 50507]);
    const both = await Promise.allSettled([1, 2].map(() => conversations()(sid).messages.create({ mediaSid: file.sid })));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
  it('larger than a request otherwise may be are streamed in and out', async () => {
    const big = Buffer.concat([png, Buffer.alloc(12_000_000, 3)]);
    const file = await upload(big);
    expect(file.size).toBe(big.length);
    expect((await bytesAt(file.links.content_direct_temporary)).bytes.equals(big)).toBe(true);
    const { sid, handset } = await withHandset();
    const message = await conversations()(sid).messages.create({ mediaSid: file.sid });
    const receipt = await until(async () => (await conversations()(sid).messages(message.sid).deliveryReceipts.list())[0], 'a receipt'); // too large for MMS
    expect([receipt.status, receipt.errorCode, (await handset.received()).length]).toEqual(['failed', 30019, 0]);
  });
});

describe(`content templates (${topology})`, () => {
  /** The official SDK's part for content.twilio.com, here. */
  const contents = () => {
    class Redirected extends twilio.RequestClient {
      override request<TData>(options: { uri: string }) {
        return super.request<TData>({ ...options, uri: options.uri.replace('https://content.twilio.com', parley.url) } as never);
      }
    }
    const { accountSid, authToken } = parley.account;
    return twilio(accountSid, authToken, { httpClient: new Redirected() }).content.v1;
  };
  const make = (types: object, variables: Record<string, string> = {}) =>
    contents().contents.create({ friendly_name: 'greeting', language: 'en', variables, types } as never);

  it('are created, fetched, listed, submitted and deleted', async () => {
    const types = { 'twilio/text': { body: 'Hello {{name}}' } };
    const created = await make(types, { name: 'you' });
    expect(created).toMatchObject({ accountSid: parley.account.accountSid, friendlyName: 'greeting', language: 'en', variables: { name: 'you' }, types });
    expect(created.url).toBe(`${parley.url}/v1/Content/${created.sid}`);
    expect(await contents().contents(created.sid).fetch()).toMatchObject({ sid: created.sid, types });
    expect((await contents().contents.list({ pageSize: 1 })).map(({ sid }) => sid)).toContain(created.sid);
    expect((await contents().contents(created.sid).approvalFetch().fetch()).whatsapp).toMatchObject({ status: 'unsubmitted' });
    expect(await contents().contents(created.sid).approvalCreate.create({ name: 'greeting', category: 'UTILITY' } as never))
      .toMatchObject({ name: 'greeting', category: 'UTILITY', contentType: 'twilio/text', status: 'received' });
    expect((await contents().contents(created.sid).approvalFetch().fetch()).whatsapp).toMatchObject({ name: 'greeting', status: 'received' });
    const put = await caller.call('PUT', `/v1/Content/${created.sid}`, JSON.stringify({ friendly_name: 'other', types: { 'twilio/text': { body: 'Bye' } } }));
    expect([put.status, JSON.parse(put.text)]).toMatchObject([200, { friendly_name: 'other', language: 'en', types: { 'twilio/text': { body: 'Bye' } } }]);
    const joined = await caller.all<{ sid: string; approval_requests: object }>('/v1/ContentAndApprovals', 'contents');
    expect(joined.find(({ sid }) => sid === created.sid)?.approval_requests).toMatchObject({ name: 'greeting', status: 'received' });
    expect((await parley.request(`/v1/Content/${created.sid}`, { as: await parley.newAccount() })).status).toBe(404);
    expect(await contents().contents(created.sid).remove()).toBe(true);
    expect(await refusal(contents().contents(created.sid).fetch())).toEqual([404, 20404]);
  });
  it('become messages: the text for the chat and the API, each channel its own, also when the template is gone', async () => {
    const { sid, handset } = await withHandset();
    const template = await make({
      'twilio/text': { body: 'Hello {{name}}' }, 'twilio/quick-reply': { body: 'Hi {{name}}', actions: [{ type: 'QUICK_REPLY', title: 'Yes', id: 'y' }] },
    }, { name: 'you' });
    const message = await conversations()(sid).messages.create({ contentSid: template.sid, contentVariables: '{"name":"John"}', body: 'ignored' });
    expect(message).toMatchObject({ body: 'Hello John', contentSid: template.sid });
    await contents().contents(template.sid).remove();
    expect(await conversations()(sid).messages(message.sid).fetch()).toMatchObject({ body: 'Hello John', contentSid: template.sid });
    expect((await received(handset)).map(({ body }) => body)).toEqual(['Hello John']);
    const whatsapp = await withHandset(`whatsapp:${number()}`, `whatsapp:${number()}`);
    const again = await make({ 'twilio/text': { body: 'T' }, 'twilio/quick-reply': { body: 'Q', actions: [{ type: 'QUICK_REPLY', title: 'Yes', id: 'y' }] } });
    await conversations()(whatsapp.sid).messages.create({ contentSid: again.sid });
    expect((await received(whatsapp.handset)).map(({ body }) => body)).toEqual(['Q\n- Yes']);
  });
  it('with media send their addresses', async () => {
    const { sid, handset } = await withHandset();
    const template = await make({ 'twilio/media': { body: 'Map', media: ['https://example.com/{{1}}.png'] } });
    await conversations()(sid).messages.create({ contentSid: template.sid, contentVariables: '{"1":"a"}' });
    expect((await received(handset))[0]).toMatchObject({ body: 'Map', mediaUrls: ['https://example.com/a.png'] });
  });
  it.each<[object, number]>([
    [{ contentSid: `HX${'0'.repeat(32)}` }, 50526], [{ contentVariables: '{}', body: 'x' }, 50528], [{ contentSid: `HX${'0'.repeat(32)}`, contentVariables: '[' }, 50527],
  ])('%j is refused', async (bad, code) => {
    const { sid } = await conversations().create({});
    expect(await refusal(conversations()(sid).messages.create(bad))).toEqual([400, code]);
  });
  it('that no conversation can carry are refused when they are sent', async () => {
    const { sid } = await conversations().create({});
    const flow = await make({ 'twilio/flows': { body: 'x' } });
    expect(await refusal(conversations()(sid).messages.create({ contentSid: flow.sid }))).toEqual([400, 50542]);
  });
  it.each<[object, number]>([
    [{ language: 'en' }, 92001], [{ language: 'en', types: {} }, 92001], [{ types: { 'twilio/text': { body: 'x' } } }, 92003],
    [{ language: '?', types: { 'twilio/text': { body: 'x' } } }, 92004], [{ language: 'en', types: { 'twilio/song': {} } }, 92008],
    [{ language: 'en', types: { 'twilio/text': { body: 'x' } }, variables: { 1: {} } }, 92007],
    [{ language: 'en', types: { 'twilio/text': { body: 'x' } }, variables: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [i, ''])) }, 92002],
    [{ language: 'en', types: { 'twilio/text': {} } }, 20001],
  ])('%j is none', async (body, code) => {
    const { status, text } = await caller.call('POST', '/v1/Content', JSON.stringify(body));
    expect([status, (JSON.parse(text) as { code: number }).code]).toEqual([400, code]);
  });
});
