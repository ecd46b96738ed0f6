/**
 * What a file is, by its first bytes, held against what its sender says. A picture must be a picture; what has no mark of its
 * own (text, office formats) is believed. Whatever it is, it is served so that no browser runs it (serving.ts).
 */
import { fileTypeFromBuffer } from 'file-type';

const UNKNOWN = 'application/octet-stream';
/** Always begin with a mark: without it the claim is wrong. */
const marked = new Set([
  'image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/heic', 'image/avif', 'image/tiff', 'image/bmp', 'application/pdf',
  'video/mp4', 'video/webm', 'video/quicktime', 'video/3gpp', 'audio/amr', 'audio/ogg', 'audio/wav', 'audio/flac',
]);
const aliases: Record<string, string> = {
  'image/jpg': 'image/jpeg', 'image/pjpeg': 'image/jpeg', 'image/x-png': 'image/png', 'image/heif': 'image/heic', 'audio/x-wav': 'audio/wav',
  'audio/wave': 'audio/wav', 'audio/vnd.wave': 'audio/wav', 'application/x-pdf': 'application/pdf', 'text/vcard': 'text/vcard', 'text/x-vcard': 'text/vcard',
};
const programs = new Set(['application/x-msdownload', 'application/x-elf', 'application/x-mach-binary', 'application/x-msi', 'application/java-vm']);
const wellFormed = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/;
const charset = /;\s*charset="?([a-z0-9_-]{1,40})"?/i;
const sounds = (kind: string) => kind === 'audio' || kind === 'video';

/** The type without parameters, known aliases resolved; undefined when it is none. */
export function typeOf(claimed: string | undefined): string | undefined {
  const type = claimed?.split(';')[0]!.trim().toLowerCase() ?? '';
  return wellFormed.test(type) ? (aliases[type] ?? type) : undefined;
}

/** What is stored and served; undefined: the bytes are not what the claim says. */
export async function checkedContentType(claimed: string | undefined, head: Uint8Array): Promise<string | undefined> {
  const type = typeOf(claimed) ?? UNKNOWN;
  const seen = await seenType(head);
  if (type === UNKNOWN) return seen ?? UNKNOWN;
  if (seen === undefined) return marked.has(type) ? undefined : withCharset(type, claimed);
  if (seen === type) return type;
  const [kind, seenKind] = [kindOf(type), kindOf(seen)];
  if (programs.has(seen) || kind === 'text') return isText(seen) ? withCharset(type, claimed) : undefined;
  // Containers are shared between sound and pictures with sound; among pictures the bytes know better than the name.
  if (sounds(kind) && (sounds(seenKind) || seen === 'application/ogg')) return type;
  if (kind === 'image') return seenKind === 'image' ? seen : type === 'image/svg+xml' && isText(seen) ? type : undefined;
  return kind === 'application' && !marked.has(type) ? type : undefined;
}

/** The library looks into the chunks of some formats, and says nothing when the beginning ends within one: those by their mark alone. */
const marks: readonly (readonly [type: string, mark: RegExp])[] = [
  ['image/png', /^89504e470d0a1a0a/], ['image/jpeg', /^ffd8ff/], ['image/gif', /^474946383[79]61/], ['image/webp', /^52494646.{8}57454250/],
  ['application/pdf', /^255044462d/],
];

async function seenType(head: Uint8Array): Promise<string | undefined> {
  const start = Buffer.from(head.subarray(0, 16)).toString('hex');
  const marked = marks.find(([, mark]) => mark.test(start))?.[0];
  return marked ?? typeOf((await fileTypeFromBuffer(head).catch(() => undefined))?.mime);
}

const kindOf = (type: string) => type.slice(0, type.indexOf('/'));
const isText = (type: string) => /^text\/|xml$|json$|rtf$/.test(type);
const withCharset = (type: string, claimed: string | undefined) => {
  const name = kindOf(type) === 'text' ? charset.exec(claimed ?? '')?.[1] : undefined;
  return name ? `${type}; charset=${name.toLowerCase()}` : type;
};
