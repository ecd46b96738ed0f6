/**
 * Which files go as MMS and which as a link in the text (channel facts, 1.11). Handsets and carriers refuse what is too large or
 * of a kind they do not know, and MMS hardly leaves North America: a link always arrives. Nothing is transcoded.
 */
import type { Delivery, OutboundMedia } from '../channel-adapter.js';

export type MmsRules = {
  /** All files of a message together. */
  bytesMax: number;
  /** One file that is not an image, where the carrier says less for those. */
  otherBytesMax?: number;
  filesMax: number;
};
/** Where a connection sends MMS; everywhere else files are links. */
export const mmsReaches = ['north-america', 'everywhere', 'never'] as const;
export type MmsReach = (typeof mmsReaches)[number];

/** Files of a message with links: as large as an upload can be. */
export const LINKED_BYTES_MAX = 157_286_400;

const types = new Set([
  'image/jpeg', 'image/jpg', 'image/png', 'image/gif',
  'audio/mpeg', 'audio/mp3', 'audio/amr', 'audio/3gpp', 'audio/mp4', 'audio/ogg',
  'video/mp4', 'video/3gpp', 'video/quicktime',
  'text/vcard', 'text/x-vcard', 'text/calendar', 'text/plain', 'application/pdf',
]);
/** A long code or a short code; a name cannot send MMS. */
const numeric = /^\+1\d{10}$|^\d{3,8}$/;

type Outgoing = Pick<Delivery, 'body' | 'media' | 'sender' | 'recipient'>;

/** Files in their order while there is room; those that do not fit end the text as links, one a line. */
export function asMms({ body, media, sender, recipient }: Outgoing, rules: MmsRules, reach: MmsReach): Pick<Delivery, 'body' | 'media'> {
  const reached = reach === 'everywhere' || (reach === 'north-america' && recipient.startsWith('+1') && numeric.test(sender));
  const files: OutboundMedia[] = [];
  const links: string[] = [];
  let bytes = 0;
  for (const file of media) {
    const size = file.bytes ?? 0;
    if (reached && files.length < rules.filesMax && bytes + size <= rules.bytesMax && fits(file, rules)) {
      files.push(file);
      bytes += size;
    } else links.push(file.url);
  }
  return { body: links.length === 0 ? body : [body, ...links].filter(Boolean).join('\n'), media: files };
}

/** What a template names is taken at its word: nobody knows more of it than its address. */
function fits({ contentType, bytes }: OutboundMedia, { otherBytesMax = Infinity }: MmsRules): boolean {
  if (contentType === null) return true;
  const type = contentType.split(';')[0]!.trim().toLowerCase();
  return types.has(type) && (type.startsWith('image/') || (bytes ?? 0) <= otherBytesMax);
}
