/**
 * Content templates: which of a template's types each channel gets, and the text that comes of it (API reference 11). Rendered
 * once, when the message is added, so that everybody gets the same whatever becomes of the template.
 */
import { richOf, templateOf, type TemplateApproval } from './content-whatsapp.js';
import type { WhatsappRich, WhatsappTemplate } from './whatsapp-rich.js';

export type ContentTypes = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
export type ContentVariables = Readonly<Record<string, string>>;
/** What one channel delivers. */
export type RenderedContent = { body: string | null; mediaUrls: string[] };
/** For carriers that take no more than text, `body` and `mediaUrls` still say it all. */
export type WhatsappContent = RenderedContent & {
  rich?: Exclude<WhatsappRich, WhatsappTemplate>;
  /** Approved when the message was added: may be sent at any time. */
  template?: WhatsappTemplate;
};
export type MessageContent = {
  /** JSON, as it was given. */
  variables?: string;
  channels: { sms: RenderedContent; whatsapp: WhatsappContent };
};

/** Text first where nothing can be tapped; the richest first where it can. */
const forText = [
  'twilio/text', 'twilio/media', 'twilio/quick-reply', 'twilio/call-to-action', 'twilio/list-picker', 'twilio/card', 'whatsapp/card',
  'twilio/location', 'whatsapp/authentication',
];
const forWhatsapp = [
  'whatsapp/card', 'whatsapp/authentication', 'twilio/card', 'twilio/list-picker', 'twilio/call-to-action', 'twilio/quick-reply',
  'twilio/media', 'twilio/location', 'twilio/text',
];
/** The documented types; those not in the lists above cannot be sent in a conversation. */
export const contentTypeNames = [...forText, 'twilio/catalog', 'twilio/carousel', 'twilio/flows', 'twilio/schedule', 'whatsapp/flows'] as const;

/** undefined: none of its types can be sent in a conversation. `body` is what chat members and the API see. */
export function renderContent(
  types: ContentTypes, variables: ContentVariables, approval?: TemplateApproval,
): { body: string; channels: MessageContent['channels'] } | undefined {
  const pick = (order: readonly string[]) => order.find((name) => types[name] !== undefined);
  const [plain, rich] = [pick(forText), pick(forWhatsapp)];
  if (plain === undefined || rich === undefined) return undefined;
  const fill = filling(variables);
  const inItsForm = richOf(rich, types[rich]!, fill);
  return {
    body: textOf(plain, types[plain]!, fill),
    channels: {
      sms: delivered(plain, types[plain]!, fill),
      whatsapp: {
        ...delivered(rich, types[rich]!, fill), ...(inItsForm && { rich: inItsForm }),
        ...(approval && { template: templateOf(rich, types[rich]!, variables, fill, approval) }),
      },
    },
  };
}

type Fill = (text: unknown) => string;
type Content = Readonly<Record<string, unknown>>;

/** A placeholder without a value stays as it is written. */
const filling = (variables: ContentVariables): Fill => (text) =>
  typeof text !== 'string' ? '' : text.replaceAll(/\{\{\s*(\w{1,16})\s*\}\}/g, (whole, name: string) => variables[name] ?? whole);

/** Actions become lines, for carriers that do not take them otherwise. */
function delivered(name: string, content: Content, fill: Fill): RenderedContent {
  const lines = [textOf(name, content, fill), ...actionsOf(content, fill)].filter((line) => line !== '');
  const media = Array.isArray(content['media']) ? content['media'].map(fill).filter((url) => url !== '') : [];
  return { body: lines.length > 0 ? lines.join('\n') : null, mediaUrls: media };
}

function textOf(name: string, content: Content, fill: Fill): string {
  const joined = (...keys: string[]) => keys.map((key) => fill(content[key])).filter((line) => line !== '').join('\n');
  switch (name) {
    case 'twilio/card': return joined('title', 'body', 'subtitle');
    case 'whatsapp/card': return joined('header_text', 'body', 'footer');
    case 'twilio/location': return [fill(content['label']), `${String(content['latitude'])},${String(content['longitude'])}`].filter((line) => line !== '').join('\n');
    case 'whatsapp/authentication': return fill('{{1}} is your verification code.');
    default: return fill(content['body']);
  }
}

function actionsOf(content: Content, fill: Fill): string[] {
  const { actions, items } = content;
  const entries = Array.isArray(actions) ? actions : Array.isArray(items) ? items : [];
  return entries.filter((entry): entry is Content => typeof entry === 'object' && entry !== null).map((entry) => {
    const title = fill(entry['title'] ?? entry['item']);
    const more = fill(entry['url'] ?? entry['phone'] ?? entry['description']);
    return more === '' ? title : title === '' ? more : `${title}: ${more}`;
  }).filter((line) => line !== '').map((line) => `- ${line}`);
}
