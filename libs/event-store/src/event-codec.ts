/**
 * Facts to bytes and back. Facts about a conversation are encrypted with its data key (AES-256-GCM, bound to their place
 * in the stream, so a row moved elsewhere does not open); others are plain JSON. Old shapes are lifted on reading.
 */
import { createCipheriv, createDecipheriv, randomFillSync, type KeyObject } from 'node:crypto';
import { upcast } from './upcasters.js';

const nonces = Buffer.alloc(12 * 512);
let nonceAt = nonces.length;

function nonce(): Buffer {
  if (nonceAt === nonces.length) {
    randomFillSync(nonces);
    nonceAt = 0;
  }
  nonceAt += 12;
  return nonces.subarray(nonceAt - 12, nonceAt);
}

/** What the ciphertext is bound to. The stream's name holds the conversation; the account is in the shard's hash. */
const place = (stream: string, version: number) => Buffer.from(`${stream}|${version}`);

export function encode(data: object, stream: string, version: number, key: KeyObject | undefined): Buffer {
  const json = JSON.stringify(data);
  if (!key) return Buffer.from(json);
  const iv = nonce();
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(place(stream, version));
  return Buffer.concat([iv, cipher.update(json, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** Throws when the bytes were altered or lie at another place than they were written for. */
export function decode(
  type: string, schemaVersion: number, data: Buffer, stream: string, version: number, key: KeyObject | undefined,
): Record<string, unknown> {
  let json = data;
  if (key) {
    const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, 12));
    decipher.setAAD(place(stream, version));
    decipher.setAuthTag(data.subarray(data.length - 16));
    json = Buffer.concat([decipher.update(data.subarray(12, data.length - 16)), decipher.final()]);
  }
  return upcast(type, schemaVersion, JSON.parse(json.toString('utf8')) as Record<string, unknown>);
}
