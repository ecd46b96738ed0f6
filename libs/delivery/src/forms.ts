/**
 * What a message says on its channel beside its text: on WhatsApp a template's form, a reaction, an answer, a place, contacts; by
 * mail that nobody wrote it. The last ones stand in the message's attributes, in the same words in which inbound messages have
 * them, so what one person sends reaches another on the same channel as what it was.
 */
import type { WhatsappRich } from '@parley/domain/whatsapp-rich';
import { isSid, type MessageSid } from '@parley/domain/sid';
import type { Claim } from './delivery-store.js';

export type Forms = {
  rich?: WhatsappRich;
  /** The carrier's id of the message it answers. */
  inReplyTo?: string;
  /** A machine of ours wrote it: mail says so, and machines leave it unanswered. */
  automatic?: true;
  /** It takes something back that this channel never showed, or is the vacation note of somebody else's mailbox. */
  nothing?: true;
};

const CONTACTS_MAX = 10;
const telling = /"(reaction|inReplyTo|location|contacts|automatic)"/;

/** `idOf`: what this recipient's carrier calls a message of the conversation. */
export async function formsOf({ channel, attributes, content, files }: Claim, idOf: (messageSid: MessageSid) => Promise<string | undefined>): Promise<Forms> {
  const whatsapp = channel === 'whatsapp';
  const ofTemplate = whatsapp ? content?.channels.whatsapp.template ?? content?.channels.whatsapp.rich : undefined;
  if (ofTemplate) return { rich: ofTemplate };
  if (attributes === null || !telling.test(attributes)) return {};
  const machine = channel === 'email' ? automaticIn(attributes) : {};
  if (machine.nothing) return machine;
  const { reaction, inReplyTo, location, contacts } = wordsOf(attributes);
  const { messageSid, emoji } = recordOf(reaction);
  if (typeof emoji === 'string' && messageSid !== undefined) {
    const meant = whatsapp ? await known(messageSid, idOf) : undefined;
    if (meant !== undefined) return { rich: { kind: 'reaction', messageId: meant, emoji } };
    return emoji === '' ? { nothing: true } : machine;
  }
  if (!whatsapp) return machine;
  const answered = await known(recordOf(inReplyTo)['messageSid'], idOf);
  const rich = files === null || files.length === 0 ? placeOf(recordOf(location)) ?? contactsOf(contacts) : undefined;
  return { ...(answered !== undefined && { inReplyTo: answered }), ...(rich && { rich }) };
}

/** As our callers write them, or as they came in by WhatsApp. */
function wordsOf(attributes: string): Record<string, unknown> {
  const { reaction, inReplyTo, whatsapp } = parsed(attributes);
  return { ...recordOf(whatsapp), ...(reaction !== undefined && { reaction }), ...(inReplyTo !== undefined && { inReplyTo }) };
}

function parsed(attributes: string): Record<string, unknown> {
  try {
    return recordOf(JSON.parse(attributes));
  } catch {
    return {};
  }
}

/**
 * What a mailbox answers by itself is for those who watch the conversation: carried on to another mailbox, the two could answer each
 * other for ever.
 */
function automaticIn(attributes: string): Forms {
  const { automatic, email } = parsed(attributes);
  if (recordOf(email)['automatic'] === true) return { nothing: true };
  return automatic === true ? { automatic: true } : {};
}

async function known(sid: unknown, idOf: (messageSid: MessageSid) => Promise<string | undefined>): Promise<string | undefined> {
  return typeof sid === 'string' && isSid(sid, 'IM') ? idOf(sid) : undefined;
}

function placeOf({ latitude, longitude, name, address }: Record<string, unknown>): WhatsappRich | undefined {
  if (typeof latitude !== 'number' || typeof longitude !== 'number') return undefined;
  return { kind: 'location', latitude, longitude, ...(typeof name === 'string' && { name }), ...(typeof address === 'string' && { address }) };
}

const contactsOf = (contacts: unknown): WhatsappRich | undefined =>
  Array.isArray(contacts) && contacts.length > 0 && contacts.length <= CONTACTS_MAX ? { kind: 'contacts', contacts: contacts.map(recordOf) } : undefined;

const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : {};
