/** A delivery as the Cloud API's messages (channel facts, 2.2): one request carries one text, one file or one form. */
import type { RichHeader, WhatsappRich, WhatsappTemplate } from '@parley/domain/whatsapp-rich';
import type { Delivery, OutboundMedia } from '../../channel-adapter.js';

export type CloudMessage = { type: string } & Readonly<Record<string, unknown>>;
/** How a file is named to the carrier: by an address it fetches, or by the id of an upload. */
export type FileReference = { link: string } | { id: string };
export type FileKind = 'image' | 'audio' | 'video' | 'document' | 'sticker';

const CAPTION_CHARS_MAX = 1024;
const MEGABYTE = 1_000_000;
/** What is larger goes as a document, which may have 100 MB (channel facts, 2.3). */
const bytesMax: Readonly<Record<FileKind, number>> = { image: 5 * MEGABYTE, audio: 16 * MEGABYTE, video: 16 * MEGABYTE, sticker: 100_000, document: 100 * MEGABYTE };
const kinds: Readonly<Record<string, FileKind>> = {
  'image/jpeg': 'image', 'image/png': 'image', 'image/webp': 'sticker', 'video/mp4': 'video', 'video/3gpp': 'video',
  'audio/aac': 'audio', 'audio/amr': 'audio', 'audio/mpeg': 'audio', 'audio/mp4': 'audio', 'audio/ogg': 'audio',
};
/** Of files of which only the address is known. */
const typesByEnding: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', mp4: 'video/mp4', '3gp': 'video/3gpp', mp3: 'audio/mpeg', ogg: 'audio/ogg', m4a: 'audio/mp4', aac: 'audio/aac', amr: 'audio/amr',
};

export function kindOf({ url, contentType, bytes }: Pick<OutboundMedia, 'url' | 'contentType' | 'bytes'>): FileKind {
  const type = contentType?.split(';')[0]!.trim().toLowerCase() ?? typesByEnding[/\.(\w{2,4})(?:[?#]|$)/.exec(url)?.[1]?.toLowerCase() ?? ''] ?? '';
  const kind = kinds[type] ?? 'document';
  return (bytes ?? 0) <= bytesMax[kind] ? kind : 'document';
}

/** In the order they are sent. The first answers what the delivery answers. */
export async function messagesOf(delivery: Delivery, reference: (file: OutboundMedia) => Promise<FileReference>): Promise<CloudMessage[]> {
  const form = formOf(delivery.rich as WhatsappRich | undefined);
  if (form) return [answering(form, delivery)];
  const { body, media } = delivery;
  const captioned = body !== null && body.length <= CAPTION_CHARS_MAX && media.length > 0 && ['image', 'video', 'document'].includes(kindOf(media[0]!));
  const messages: CloudMessage[] = body && !captioned ? [textOf(body)] : [];
  for (const [i, file] of media.entries()) {
    const kind = kindOf(file);
    messages.push({
      type: kind,
      [kind]: {
        ...(await reference(file)), ...(captioned && i === 0 && body && { caption: body }),
        ...(kind === 'document' && file.filename && { filename: file.filename }),
      },
    });
  }
  const [first, ...others] = messages;
  return first ? [answering(first, delivery), ...others] : [];
}

const textOf = (body: string): CloudMessage => ({ type: 'text', text: { body, preview_url: /https?:\/\//.test(body) } });

/** A reaction says itself what it is about. */
const answering = (message: CloudMessage, { inReplyTo }: Delivery): CloudMessage =>
  inReplyTo === undefined || message.type === 'reaction' ? message : { context: { message_id: inReplyTo }, ...message };

function formOf(rich: WhatsappRich | undefined): CloudMessage | undefined {
  switch (rich?.kind) {
    case 'buttons': return interactive('button', rich, { buttons: rich.buttons.map((reply) => ({ type: 'reply', reply })) });
    case 'list': return interactive('list', rich, { button: rich.button, sections: [{ rows: rich.rows }] });
    case 'link': return interactive('cta_url', rich, { name: 'cta_url', parameters: { display_text: rich.title, url: rich.url } });
    case 'location': {
      const { kind: _, ...location } = rich;
      return { type: 'location', location };
    }
    case 'contacts': return { type: 'contacts', contacts: rich.contacts };
    case 'reaction': return { type: 'reaction', reaction: { message_id: rich.messageId, emoji: rich.emoji } };
    case 'template': return { type: 'template', template: templateOf(rich) };
    default: return undefined;
  }
}

function interactive(type: string, { body, header, footer }: { body: string; header?: RichHeader; footer?: string }, action: object): CloudMessage {
  return {
    type: 'interactive',
    interactive: { type, ...(header && { header: parameterOf(header) }), body: { text: body }, ...(footer !== undefined && { footer: { text: footer } }), action },
  };
}

function templateOf({ name, language, header, body, buttons }: WhatsappTemplate) {
  const components = [
    ...(header ? [{ type: 'header', parameters: [parameterOf(header)] }] : []),
    ...(body.length > 0 ? [{ type: 'body', parameters: body.map(({ name: parameter_name, value: text }) => ({ type: 'text', ...(parameter_name !== undefined && { parameter_name }), text })) }] : []),
    ...buttons.map(({ index, type, value }) => ({
      type: 'button', sub_type: type, index: String(index), parameters: [type === 'url' ? { type: 'text', text: value } : { type: 'payload', payload: value }],
    })),
  ];
  return { name, language: { code: language }, ...(components.length > 0 && { components }) };
}

function parameterOf(header: RichHeader) {
  if ('text' in header) return { type: 'text', text: header.text };
  const kind = kindOf({ url: header.mediaUrl, contentType: null, bytes: null });
  return { type: kind, [kind]: { link: header.mediaUrl } };
}
