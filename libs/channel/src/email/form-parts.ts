/** The parts of a posted form as bytes, whichever way it is encoded: carriers name a field's charset in another field. */
import busboy from 'busboy';
import type { RawWebhook } from '../channel-adapter.js';

export type FormPart = { name: string; filename: string | undefined; contentType: string; bytes: Buffer };
export type FormParts = { parts: FormPart[]; text(name: string, charset?: string): string | undefined };

const PARTS_MAX = 100;
const FIELD_BYTES_MAX = 30_000_000;

/** Throws SyntaxError when it is no form. */
export async function formParts({ headers, body }: Pick<RawWebhook, 'headers' | 'body'>): Promise<FormParts> {
  const contentType = [headers['content-type'] ?? ''].flat()[0]!;
  const parts = contentType.startsWith('multipart/') ? await multipart(contentType, body) : urlencoded(body);
  return {
    parts,
    text: (name, charset) => {
      const part = parts.find((one) => one.name === name);
      return part && decode(part.bytes, charset);
    },
  };
}

const urlencoded = (body: Buffer): FormPart[] => [...new URLSearchParams(body.toString())].slice(0, PARTS_MAX)
  .map(([name, value]) => ({ name, filename: undefined, contentType: 'text/plain', bytes: Buffer.from(value) }));

function multipart(contentType: string, body: Buffer): Promise<FormPart[]> {
  return new Promise((resolve, reject) => {
    const parts: FormPart[] = [];
    const fail = (error: unknown) => reject(new SyntaxError('not a form', { cause: error }));
    try {
      // A text field's charset is only known when all of them are read: latin1 gives back its bytes as they are.
      const reader = busboy({
        headers: { 'content-type': contentType }, defCharset: 'latin1', defParamCharset: 'utf8',
        limits: { parts: PARTS_MAX, fileSize: FIELD_BYTES_MAX, fieldSize: FIELD_BYTES_MAX },
      });
      reader.on('field', (name, value, { mimeType }) => {
        const named = /[^\0-\xff]/.test(value); // the part named its charset itself
        parts.push({ name, filename: undefined, contentType: mimeType, bytes: Buffer.from(value, named ? 'utf8' : 'latin1') });
      });
      reader.on('file', (name, stream, { filename, mimeType }) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => parts.push({ name, filename, contentType: mimeType, bytes: Buffer.concat(chunks) }));
        stream.on('error', fail);
      });
      reader.on('error', fail);
      reader.on('close', () => resolve(parts));
      reader.end(body);
    } catch (error) {
      fail(error);
    }
  });
}

function decode(bytes: Buffer, charset = 'utf-8'): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return bytes.toString();
  }
}
