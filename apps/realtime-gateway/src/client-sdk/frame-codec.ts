/**
 * Frames of the socket protocol that the official client SDK speaks: a first line with the header's length, the header as
 * JSON, the payload. Lengths count bytes. Always binary websocket messages, one frame in each.
 */
export type Header = { method: string; id: string } & Record<string, unknown>;
export type Frame = { header: Header; payload: string };

/** A client's frame; larger ones close the socket with 1009. A message with its attributes is below 64 KiB. */
export const FRAME_BYTES_MAX = 256 * 1024;
const LINE_BYTES_MAX = 32;
const firstLine = /^TWILSOCK V3\.0 (\d{1,7})$/;

const MAGIC = 'TWILSOCK V3.0 ';
const reply = Buffer.from('"method":"reply"');
/** The SDK writes the id first, then the method: both stand within so many bytes. */
const METHOD_BYTES = 160;

/** Says only that something arrived. There is one for every frame a client is sent, so it is told by its bytes. */
export const isReply = (bytes: Buffer): boolean =>
  bytes.subarray(0, METHOD_BYTES).includes(reply) && bytes.toString('latin1', 0, MAGIC.length) === MAGIC;

/** What cannot be read: the client is told once (406), then the socket is closed. */
export class MalformedFrame extends Error {}

/** `payload`: JSON text; none: the header says so. */
export function encodeFrame(header: Header, payload = ''): string {
  const size = Buffer.byteLength(payload);
  const head = JSON.stringify(size === 0 ? { ...header, payload_size: 0 } : { ...header, payload_type: 'application/json', payload_size: size });
  return `${MAGIC}${Buffer.byteLength(head)}\r\n${head}\r\n${payload}`;
}

/** Throws MalformedFrame. */
export function decodeFrame(bytes: Buffer): Frame {
  const end = bytes.subarray(0, LINE_BYTES_MAX).indexOf('\r\n');
  const length = end < 0 ? undefined : firstLine.exec(bytes.toString('latin1', 0, end))?.[1];
  if (length === undefined) throw new MalformedFrame('A frame begins with TWILSOCK V3.0 and the length of its header');
  const start = end + 2;
  const stop = start + Number(length);
  if (stop > bytes.length) throw new MalformedFrame('The frame ends before its header does');
  const header = headerOf(bytes.toString('utf8', start, stop));
  const size = header['payload_size'] ?? 0;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0) throw new MalformedFrame('payload_size is no number of bytes');
  if (size === 0) return { header, payload: '' };
  if (bytes.toString('latin1', stop, stop + 2) !== '\r\n' || stop + 2 + size > bytes.length) throw new MalformedFrame('The frame ends before its payload does');
  return { header, payload: bytes.toString('utf8', stop + 2, stop + 2 + size) };
}

function headerOf(text: string): Header {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw new MalformedFrame('The header is no JSON');
  }
  if (typeof header !== 'object' || header === null) throw new MalformedFrame('The header is no JSON object');
  const { method, id } = header as Record<string, unknown>;
  if (typeof method !== 'string' || typeof id !== 'string' || id.length > 128) throw new MalformedFrame('A header has a method and an id');
  return header as Header;
}
