/**
 * A content template in WhatsApp's own form: buttons, a list, a link, a place; or, once it was approved, the template by its
 * name with the values of this message. What does not fit WhatsApp's limits has no such form and goes as text.
 */
import type { ContentTypes, ContentVariables } from './content-template.js';
import { richLimits as max, type RichHeader, type WhatsappRich, type WhatsappTemplate } from './whatsapp-rich.js';

type Content = ContentTypes[string];
type Fill = (text: unknown) => string;
type Rich = Exclude<WhatsappRich, WhatsappTemplate>;
/** What WhatsApp approved, and under which name and language. */
export type TemplateApproval = { name: string; language: string; category?: string };

export function richOf(type: string, content: Content, fill: Fill): Rich | undefined {
  switch (type) {
    case 'twilio/quick-reply': return withActions({ body: fill(content['body']) }, content, fill);
    case 'twilio/call-to-action': return withActions({ body: fill(content['body']) }, content, fill);
    case 'twilio/card': return withActions({
      body: [fill(content['title']), fill(content['body'])].filter(given).join('\n'),
      ...optional('footer', fill(content['subtitle'])), ...headerOf(content, fill),
    }, content, fill);
    case 'whatsapp/card': return withActions({
      body: fill(content['body']), ...optional('footer', fill(content['footer'])), ...headerOf(content, fill),
    }, content, fill);
    case 'twilio/list-picker': return listOf(content, fill);
    case 'twilio/location': return placeOf(content, fill);
    default: return undefined;
  }
}

export function templateOf(type: string, content: Content, variables: ContentVariables, fill: Fill, { name, language, category }: TemplateApproval): WhatsappTemplate {
  const told = { ...(category === 'MARKETING' && { marketing: true as const }), ...(Object.keys(variables).length > 0 && { values: variables }) };
  if (type === 'whatsapp/authentication') {
    const code = fill('{{1}}');
    return { kind: 'template', name, language, ...told, body: [{ value: code }], buttons: [{ index: 0, type: 'url', value: code }] };
  }
  const buttons = listed(content['actions']).flatMap((action, index): WhatsappTemplate['buttons'] => {
    if (action['type'] === 'QUICK_REPLY') return [{ index, type: 'quick_reply', value: fill(action['id'] ?? action['title']) }];
    // Only the end of an address may vary: that is what WhatsApp wants to be told.
    const end = /\{\{\s*\w{1,16}\s*\}\}$/.exec(String(action['url'] ?? ''))?.[0];
    return end === undefined ? [] : [{ index, type: 'url', value: fill(end) }];
  });
  const header = headerOf(content, fill).header;
  const varies = header !== undefined && ('mediaUrl' in header || String(content['header_text']).includes('{{'));
  return {
    kind: 'template', name, language, ...told, buttons, ...(varies && { header }),
    body: placeholders(type === 'twilio/card' ? `${String(content['title'] ?? '')} ${String(content['body'] ?? '')}` : String(content['body'] ?? ''))
      .map((placeholder) => ({ ...(/^\d+$/.test(placeholder) ? {} : { name: placeholder }), value: variables[placeholder] ?? `{{${placeholder}}}` })),
  };
}

type Frame = { body: string; header?: RichHeader; footer?: string };

/** Replies or one link; both together, or more than WhatsApp shows, is no form of its. */
function withActions(frame: Frame, content: Content, fill: Fill): Rich | undefined {
  const actions = listed(content['actions']);
  const fits = frame.body !== '' && frame.body.length <= max.bodyChars && (frame.footer ?? '').length <= max.footerChars
    && (!frame.header || 'mediaUrl' in frame.header || frame.header.text.length <= max.headerChars);
  const named = (action: Content) => fill(action['title']);
  if (!fits || actions.length === 0 || actions.some((action) => named(action) === '' || named(action).length > max.buttonTitleChars)) return undefined;
  if (actions.every(({ type }) => type === 'QUICK_REPLY' || type === undefined) && actions.length <= max.buttonsMax) {
    const buttons = actions.map((action) => ({ id: (fill(action['id']) || named(action)).slice(0, max.buttonIdChars), title: named(action) }));
    return new Set(buttons.map(({ title }) => title)).size === buttons.length ? { kind: 'buttons', ...frame, buttons } : undefined;
  }
  const [only] = actions;
  return actions.length === 1 && only!['type'] === 'URL' ? { kind: 'link', ...frame, title: named(only!), url: fill(only!['url']) } : undefined;
}

function listOf(content: Content, fill: Fill): Rich | undefined {
  const [body, button] = [fill(content['body']), fill(content['button']) || 'Choose'];
  const rows = listed(content['items']).map((item) => ({
    id: (fill(item['id']) || fill(item['item'])).slice(0, max.rowIdChars), title: fill(item['item']), ...optional('description', fill(item['description'])),
  }));
  const fits = body !== '' && body.length <= max.bodyChars && button.length <= max.buttonTitleChars && rows.length > 0 && rows.length <= max.rowsMax
    && rows.every(({ title, description = '' }) => title !== '' && title.length <= max.rowTitleChars && description.length <= max.rowDescriptionChars);
  return fits ? { kind: 'list', body, button, rows } : undefined;
}

function placeOf(content: Content, fill: Fill): Rich | undefined {
  const number = (value: unknown) => (typeof value === 'string' ? Number(fill(value)) : typeof value === 'number' ? value : Number.NaN);
  const [latitude, longitude] = [number(content['latitude']), number(content['longitude'])];
  if (!Number.isFinite(latitude) || !Number.isFinite(longitude)) return undefined;
  return { kind: 'location', latitude, longitude, ...optional('name', fill(content['label'])), ...optional('address', fill(content['address'])) };
}

function headerOf(content: Content, fill: Fill): { header?: RichHeader } {
  const mediaUrl = Array.isArray(content['media']) ? fill(content['media'][0]) : '';
  if (mediaUrl !== '') return { header: { mediaUrl } };
  const text = fill(content['header_text']);
  return text === '' ? {} : { header: { text } };
}

/** Each once: numbered ones by their number, named ones as they come. */
function placeholders(text: string): string[] {
  const names = [...new Set([...text.matchAll(/\{\{\s*(\w{1,16})\s*\}\}/g)].map(([, name]) => name!))];
  return names.every((name) => /^\d+$/.test(name)) ? names.sort((a, b) => Number(a) - Number(b)) : names;
}

const given = (text: string) => text !== '';
const optional = <N extends string>(name: N, text: string) => (text === '' ? {} : { [name]: text }) as { [K in N]?: string };
const listed = (entries: unknown): Content[] =>
  Array.isArray(entries) ? entries.filter((entry): entry is Content => typeof entry === 'object' && entry !== null) : [];
