/**
 * Gives a file out so that it can do no harm: with the type that was checked, never guessed by a browser, never run as a page
 * of ours. Whole, or the one range that was asked for (players seek).
 */
import { MediaGone, mediaKey, type ByteRange, type MediaStorage } from '@parley/media/media-storage';
import type { MediaRow } from '@parley/media/media-store';
import { ApiError } from '@parley/contracts/error-catalogue';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NotFound } from './error-answer.js';
import { storageTrouble } from './media-uploads.js';

const oneRange = /^bytes=(\d{0,15})-(\d{0,15})$/;
/** What a browser may show inside a page. SVG and HTML are documents with scripts: downloads. */
const shown = /^(image\/(?!svg)|audio\/|video\/|text\/plain)/;

/** Throws NotFound; 20503 while a carrier still has it. */
export async function serveMedia(request: FastifyRequest, reply: FastifyReply, storage: MediaStorage, row: MediaRow): Promise<FastifyReply> {
  if (row.state === 'fetching') throw new ApiError(20503);
  if (row.state !== 'stored') throw new NotFound();
  const etag = `"${row.sid}"`;
  reply.headers({
    'Content-Type': row.content_type, 'Content-Disposition': disposition(row), 'Accept-Ranges': 'bytes', ETag: etag,
    'Cache-Control': 'private, max-age=300, immutable', 'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox", 'Cross-Origin-Resource-Policy': 'cross-origin',
    'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Content-Disposition, Content-Length, Content-Range, ETag',
  });
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  const range = request.headers['if-range'] === undefined || request.headers['if-range'] === etag ? rangeOf(request.headers.range, row.size) : undefined;
  if (range === 'none') return reply.code(416).header('Content-Range', `bytes */${row.size}`).send();
  if (range) reply.code(206).header('Content-Range', `bytes ${range.start}-${range.end}/${row.size}`);
  reply.header('Content-Length', range ? range.end - range.start + 1 : row.size);
  if (request.method === 'HEAD') return reply.send();
  return reply.send(await storage.read(mediaKey(row.account, row.sid), range).catch((error: unknown) => {
    throw error instanceof MediaGone ? new NotFound() : storageTrouble(error);
  }));
}

/** undefined: the whole file, also for what is no range at all or several of them. */
export function rangeOf(header: string | undefined, size: number): ByteRange | 'none' | undefined {
  const [, first = '', last = ''] = (header !== undefined && oneRange.exec(header)) || [];
  if (first === '' && last === '') return undefined;
  if (first === '') return last === '0' || size === 0 ? 'none' : { start: Math.max(0, size - Number(last)), end: size - 1 };
  const [start, end] = [Number(first), last === '' ? size - 1 : Math.min(Number(last), size - 1)];
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'none' : { start, end };
}

function disposition({ content_type, filename, sid }: MediaRow): string {
  const way = shown.test(content_type) ? 'inline' : 'attachment';
  const name = filename ?? sid;
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const full = plain === name ? '' : `; filename*=UTF-8''${encodeURIComponent(name).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`;
  return `${way}; filename="${plain}"${full}`;
}
