/** The adapter against a stand-in of the Cloud API on a real socket. */
import { newSid } from '@parley/domain/sid';
import type { WhatsappRich } from '@parley/domain/whatsapp-rich';
import { Readable } from 'node:stream';
import type { Delivery, RawWebhook } from '../../channel-adapter.js';
import { conformsToTheChannelPort, type CarrierAnswer, type PlayedCarrier } from '../../conformance.testing.js';
import { WhatsappCloud } from './adapter.js';
import { CloudApi } from './cloud-api.testing.js';
import { messageValue, payload, signed, statusValue, written } from './cloud-webhooks.testing.js';
import { cloudSettings } from './definition.js';

let api: CloudApi;
let nowhere: string;
beforeAll(async () => {
  api = await CloudApi.start();
  const gone = await CloudApi.start();
  nowhere = gone.url;
  await gone.close();
});
afterAll(() => api.close());
beforeEach(() => api.clear());

const adapterAt = (baseUrl: string, more: object = {}, access_token = api.token) => new WhatsappCloud({
  sid: `CX${'0'.repeat(32)}`, account: newSid('AC'), publicUrl: 'https://parley.example.test', webhookUrl: 'https://parley.example.test/webhooks/whatsapp-cloud/CX',
  credentials: { access_token, app_secret: api.appSecret, verify_token: api.verifyToken },
  settings: cloudSettings.parse({ phone_numbers: api.numbers, baseUrl, ...more }),
});
const deliveryOf = (changes: Partial<Delivery> = {}): Delivery => ({
  deliveryId: newSid('DY'), sender: 'whatsapp:+15550100100', recipient: 'whatsapp:+15550100002', body: 'hello', media: [], firstAttemptAt: new Date().toISOString(), ...changes,
});
const patience = () => AbortSignal.timeout(30_000);

const troubles: Partial<Record<CarrierAnswer, Parameters<CloudApi['trouble']>[0]>> = {
  throttle: { code: 130429, status: 429 }, refuse: { code: 131026 }, break: 'break', hang: 'hang', drop: 'drop',
};
const raw = (content: object): RawWebhook => {
  const body = written(content);
  return { method: 'POST', url: 'https://parley.example.test/webhooks/whatsapp-cloud/CX', headers: signed(api.appSecret, body), body: Buffer.from(body) };
};
conformsToTheChannelPort('the Cloud API', () => {
  const live = adapterAt(api.url);
  const ana = { phone: '+15550100002', userId: 'US.2' };
  const played: PlayedCarrier = {
    adapter: live, delivery: deliveryOf(),
    answerWith: (answer) => {
      played.adapter = answer === 'unreachable' ? adapterAt(nowhere) : live;
      if (troubles[answer]) api.trouble(troubles[answer]);
    },
    references: () => api.sent.map(({ reference }) => reference),
    message: ({ id, text }) => raw(payload(api.numbers[0]!, messageValue(ana, id, { type: 'text', text: { body: text } }, 1_795_348_790_000))),
    status: ({ id, status, deliveryId: reference, extra }) => raw(payload(api.numbers[0]!, statusValue(id, status, { recipient: ana, ...(reference !== undefined && { reference }), ...(extra && { extra }) }))),
    forged: (webhook) => ({ ...webhook, body: Buffer.from(webhook.body.toString().replace('"wa', '"WA')) }),
    words: { sent: 'sent', delivered: 'delivered', failed: 'failed' },
  };
  return played;
});

describe('a delivery', () => {
  const sendAs = async (changes: Partial<Delivery>, more: object = {}) => {
    await adapterAt(api.url, more).send(deliveryOf(changes), patience());
    return api.sent.map(({ message: { biz_opaque_callback_data: _, messaging_product: __, recipient_type: ___, ...message } }) => message);
  };
  const file = (contentType: string | null, more: object = {}) => ({ url: 'https://parley.example.test/f/1', contentType, filename: null, bytes: 10, ...more });
  const to = '+15550100002';

  it('answers what it answers', async () => expect(await sendAs({ inReplyTo: 'wamid.X' })).toEqual([{ to, type: 'text', text: { body: 'hello', preview_url: false }, context: { message_id: 'wamid.X' } }]));
  it('to a person without a number goes to their id', async () => expect(await sendAs({ recipient: 'whatsapp:US.17' })).toMatchObject([{ recipient: 'US.17', type: 'text' }]));
  it.each<[string, Partial<Delivery>, object[]]>([
    ['a picture has the text as its caption', { media: [file('image/png')] }, [{ type: 'image', image: { link: 'https://parley.example.test/f/1', caption: 'hello' } }]],
    ['a voice has none: the text goes before it', { media: [file('audio/ogg')] }, [{ type: 'text' }, { type: 'audio', audio: { link: 'https://parley.example.test/f/1' } }]],
    ['a document keeps its name', { body: null, media: [file('application/pdf', { filename: 'a.pdf' })] }, [{ type: 'document', document: { link: 'https://parley.example.test/f/1', filename: 'a.pdf' } }]],
    ['a picture too large for one is a document', { body: null, media: [file('image/png', { bytes: 6_000_000 })] }, [{ type: 'document' }]],
    ['of an unknown type the address may tell', { body: null, media: [file(null, { url: 'https://x.example/a.jpg?x=1' })] }, [{ type: 'image' }]],
    ['a text too long for a caption goes before', { body: 'x'.repeat(1025), media: [file('image/png')] }, [{ type: 'text' }, { type: 'image' }]],
  ])('%s', async (_, changes, expected) => expect(await sendAs(changes)).toMatchObject(expected));

  it.each<[string, WhatsappRich, object]>([
    ['buttons', { kind: 'buttons', body: 'b', header: { mediaUrl: 'https://x.example/a.png' }, footer: 'f', buttons: [{ id: 'y', title: 'Yes' }] },
      { type: 'interactive', interactive: { type: 'button', header: { type: 'image', image: { link: 'https://x.example/a.png' } }, body: { text: 'b' }, footer: { text: 'f' }, action: { buttons: [{ type: 'reply', reply: { id: 'y', title: 'Yes' } }] } } }],
    ['a list', { kind: 'list', body: 'b', button: 'Open', rows: [{ id: '1', title: 'A' }] },
      { type: 'interactive', interactive: { type: 'list', body: { text: 'b' }, action: { button: 'Open', sections: [{ rows: [{ id: '1', title: 'A' }] }] } } }],
    ['a link', { kind: 'link', body: 'b', title: 'Go', url: 'https://x.example' },
      { type: 'interactive', interactive: { type: 'cta_url', action: { name: 'cta_url', parameters: { display_text: 'Go', url: 'https://x.example' } } } }],
    ['a place', { kind: 'location', latitude: 52.5, longitude: 13.4, name: 'Here' }, { type: 'location', location: { latitude: 52.5, longitude: 13.4, name: 'Here' } }],
    ['contacts', { kind: 'contacts', contacts: [{ name: { formatted_name: 'Ana' } }] }, { type: 'contacts', contacts: [{ name: { formatted_name: 'Ana' } }] }],
    ['a reaction', { kind: 'reaction', messageId: 'wamid.X', emoji: '👍' }, { type: 'reaction', reaction: { message_id: 'wamid.X', emoji: '👍' } }],
    ['a template', { kind: 'template', name: 'order_update', language: 'en_US', header: { text: 'h' }, body: [{ value: '17' }, { name: 'who', value: 'Ana' }], buttons: [{ index: 0, type: 'quick_reply', value: 'y' }, { index: 1, type: 'url', value: 'a' }] },
      { type: 'template', template: { name: 'order_update', language: { code: 'en_US' }, components: [
        { type: 'header', parameters: [{ type: 'text', text: 'h' }] },
        { type: 'body', parameters: [{ type: 'text', text: '17' }, { type: 'text', parameter_name: 'who', text: 'Ana' }] },
        { type: 'button', sub_type: 'quick_reply', index: '0', parameters: [{ type: 'payload', payload: 'y' }] },
        { type: 'button', sub_type: 'url', index: '1', parameters: [{ type: 'text', text: 'a' }] }] } }],
  ])('%s stands for text and files', async (_, rich, expected) => {
    api.templates.set('order_update', { language: 'en_US', parameters: 2 });
    expect(await sendAs({ rich, media: [file('image/png')] })).toMatchObject([expected]);
    expect(api.sent).toHaveLength(1);
  });
  it('a form we do not know yet goes as text', async () => expect(await sendAs({ rich: { kind: 'hologram' } })).toMatchObject([{ type: 'text' }]));
  it('files can be handed over', async () => {
    const [{ image }] = (await sendAs({ body: null, media: [file('image/png', { filename: 'a.png', open: async () => Readable.from([Buffer.from('bytes')]) })] }, { media: 'upload' })) as [any];
    expect(api.files.get(image.id)).toMatchObject({ type: 'image/png', filename: 'a.png', bytes: Buffer.from('bytes') });
  });
  it('of several messages goes on where it stopped, and only the last carries our plain reference', async () => {
    const adapter = adapterAt(api.url);
    const delivery = deliveryOf({ body: 'x'.repeat(2_000), media: [file('image/png')] });
    api.trouble('fine');
    api.trouble({ code: 131016 });
    await expect(adapter.send(delivery, patience())).rejects.toMatchObject({ outcome: 'retryable' });
    const { providerMessageIds } = await adapter.send(delivery, patience());
    expect(api.sent.map(({ reference }) => reference)).toEqual([`${delivery.deliveryId}/0`, delivery.deliveryId]);
    expect(providerMessageIds).toEqual(api.sent.map(({ id }) => id).toReversed());
    expect(api.sent.map(({ message: { type } }) => type)).toEqual(['text', 'image']);
  });
  it('from a number that is not of this connection is refused here', () => expect(adapterAt(api.url).send(deliveryOf({ sender: 'whatsapp:+15550109999' }), patience()))
    .rejects.toMatchObject({ outcome: 'permanent', code: 'invalid_sender' }));
  it('tells what else the person is called', async () => {
    api.person({ phone: '+5215550100003', userId: 'MX.3' });
    api.person({ phone: '+525550100003', userId: 'MX.3' });
    expect(await adapterAt(api.url).send(deliveryOf({ recipient: 'whatsapp:MX.3' }), patience())).toMatchObject({ recipient: { alsoKnownAs: ['whatsapp:+525550100003'] } });
  });
  it('waits for a new token', () => expect(adapterAt(api.url, {}, 'old').send(deliveryOf(), patience())).rejects.toMatchObject({ outcome: 'retryable', code: 'authentication', errorCode: 63001 }));
});

describe('beside messages', () => {
  it('read marks and typing', async () => {
    await adapterAt(api.url).markRead({ sender: 'whatsapp:+15550100200', providerMessageId: 'wamid.IN', typing: true }, patience());
    expect(api.reads).toEqual([{ number: api.numbers[1], messageId: 'wamid.IN', typing: true }]);
  });
  it('a file is found by its id and fetched with our token, which goes nowhere else', async () => {
    api.files.set('900', { type: 'image/png', bytes: Buffer.from('png') });
    const adapter = adapterAt(api.url);
    const at = await adapter.resolveMedia(`${api.url}/v23.0/900?phone_number_id=1`, patience());
    expect(await (await fetch(at, { headers: adapter.mediaHeaders(at) })).text()).toBe('png');
    expect(adapter.mediaHeaders('https://x.example/900')).toEqual({});
    await expect(adapter.resolveMedia(`${api.url}/v23.0/901`, patience())).rejects.toMatchObject({ outcome: 'permanent' });
  });
});
