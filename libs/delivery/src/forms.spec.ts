import { newSid } from '@parley/domain/sid';
import type { Claim } from './delivery-store.js';
import { formsOf, type Forms } from './forms.js';

const known = newSid('IM');
const idOf = async (sid: string) => (sid === known ? 'wamid.K' : undefined);
const forms = (attributes: unknown, more: Partial<Claim> = {}) =>
  formsOf({ channel: 'whatsapp', attributes: typeof attributes === 'string' ? attributes : JSON.stringify(attributes), content: null, files: null, ...more } as Claim, idOf);
const location = { latitude: 52.5, longitude: 13.4, name: 'Here' };

describe('what the attributes of a message say', () => {
  it.each<[string, unknown, Forms]>([
    ['nothing', '{}', {}],
    ['a reaction to a message they know', { reaction: { messageSid: known, emoji: '👍' } }, { rich: { kind: 'reaction', messageId: 'wamid.K', emoji: '👍' } }],
    ['one that came in by WhatsApp', { whatsapp: { reaction: { messageSid: known, emoji: '👍' } } }, { rich: { kind: 'reaction', messageId: 'wamid.K', emoji: '👍' } }],
    ['its removal', { reaction: { messageSid: known, emoji: '' } }, { rich: { kind: 'reaction', messageId: 'wamid.K', emoji: '' } }],
    ['a reaction to a message they never had goes as text', { reaction: { messageSid: newSid('IM'), emoji: '👍' } }, {}],
    ['and its removal not at all', { reaction: { messageSid: newSid('IM'), emoji: '' } }, { nothing: true }],
    ['an answer', { inReplyTo: { messageSid: known } }, { inReplyTo: 'wamid.K' }],
    ['a place', { whatsapp: { location } }, { rich: { kind: 'location', ...location } }],
    ['contacts', { whatsapp: { contacts: [{ name: { formatted_name: 'Ana' } }] } }, { rich: { kind: 'contacts', contacts: [{ name: { formatted_name: 'Ana' } }] } }],
    ['nonsense', { reaction: 1, inReplyTo: 'x', whatsapp: { location: { latitude: 'x' }, contacts: 1 } }, {}],
    ['no JSON', '{"location":', {}],
  ])('%s', async (_, attributes, expected) => expect(await forms(attributes)).toEqual(expected));

  it('elsewhere a reaction is its text, and its removal nothing', async () => {
    expect(await forms({ reaction: { messageSid: known, emoji: '👍' } }, { channel: 'sms' })).toEqual({});
    expect(await forms({ reaction: { messageSid: known, emoji: '' } }, { channel: 'sms' })).toEqual({ nothing: true });
  });
  it.each<[string, unknown, Forms]>([
    ['a bot wrote goes out as such', { automatic: true }, { automatic: true }],
    ['a bot wrote about a reaction too', { automatic: true, reaction: { messageSid: known, emoji: '👍' } }, { automatic: true }],
    ['somebody\'s mailbox answered by itself goes to no other mailbox', { email: { subject: 'Out of office', automatic: true } }, { nothing: true }],
    ['people wrote is theirs', { email: { subject: 'automatic' }, automatic: 'no' }, {}],
    ['takes back a reaction is nothing', { automatic: true, reaction: { messageSid: known, emoji: '' } }, { nothing: true }],
  ])('by mail what %s', async (_, attributes, expected) => expect(await forms(attributes, { channel: 'email' })).toEqual(expected));
  it('on other channels machines are heard like everybody', async () => {
    for (const channel of ['sms', 'whatsapp'] as const) expect(await forms({ automatic: true, email: { automatic: true } }, { channel })).toEqual({});
  });
  it('a template counts before all, the approved one first', async () => {
    const rich = { kind: 'location' as const, latitude: 1, longitude: 2 };
    const template = { kind: 'template' as const, name: 'a', language: 'en', body: [], buttons: [] };
    const content = (whatsapp: object) => ({ content: { channels: { sms: {}, whatsapp } } }) as unknown as Partial<Claim>;
    expect(await forms({ inReplyTo: { messageSid: known } }, content({ rich }))).toEqual({ rich });
    expect(await forms('{}', content({ rich, template }))).toEqual({ rich: template });
  });
});
