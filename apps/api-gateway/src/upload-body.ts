/** The body of an upload, never in memory as a whole: raw bytes with their type, or a form's first file part. */
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { ApiError } from '@parley/contracts/error-catalogue';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

export type Upload = { source: AsyncIterable<Uint8Array>; contentType: string | undefined; filename: string | null; multipart: boolean };

const PARTS_MAX = 100;
const FILENAME_CHARS_MAX = 255;
const isForm = /^multipart\/form-data *;/i;

/** `receive` reads the file to its end; what it throws ends the reading. */
export function readUpload<T>(raw: IncomingMessage, filename: string | undefined, receive: (upload: Upload) => Promise<T>): Promise<T> {
  const contentType = raw.headers['content-type'];
  if (contentType !== undefined && isForm.test(contentType)) return readForm(raw, contentType, filename, receive);
  // Not destroyed when the reading ends early: the connection has an answer to carry.
  return receive({ source: raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>, contentType, filename: plainName(filename), multipart: false });
}

/** The field's name does not matter: browsers' clients use the file's own. */
function readForm<T>(raw: IncomingMessage, contentType: string, given: string | undefined, receive: (upload: Upload) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let receiving: Promise<T> | undefined;
    let file: Readable | undefined;
    const parser = parserOf(contentType);
    const fail = (error: unknown) => {
      raw.unpipe(parser);
      raw.resume(); // Node takes the rest off the wire, so that the client sees the answer
      file?.destroy();
      reject(error as Error);
    };
    parser.on('file', (_field, part, name, _encoding, type) => {
      if (receiving) return void part.resume();
      file = part;
      part.on('error', () => {}); // a form that breaks off tells its part too, also when nobody reads it any more
      receiving = receive({ source: part, contentType: type, filename: plainName(given ?? name), multipart: true });
      receiving.catch(fail);
    });
    parser.on('error', () => fail(new ApiError(20001, 'body is no multipart/form-data')));
    parser.on('finish', () => (receiving ? receiving.then(resolve, reject) : fail(new ApiError(20001, 'file'))));
    raw.on('close', () => { if (!raw.complete) fail(new ApiError(20001, 'body ended early')); });
    raw.pipe(parser);
  });
}

function parserOf(contentType: string): BusboyInstance {
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits: { parts: PARTS_MAX, fieldSize: 1024, headerPairs: 20 } });
  } catch {
    throw new ApiError(20001, 'body is no multipart/form-data');
  }
}

/** The last part of a path, without what no file system and no header takes. */
export function plainName(name: string | undefined): string | null {
  const last = name?.toWellFormed().split(/[/\\]/).at(-1)!.replaceAll(/[\p{Cc}\p{Cf}]/gu, '').trim() ?? '';
  return last === '' || last === '.' || last === '..' ? null : [...last].slice(0, FILENAME_CHARS_MAX).join('');
}
