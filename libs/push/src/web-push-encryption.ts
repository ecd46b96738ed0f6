/** Message encryption for Web Push (RFC 8291) in the content encoding aes128gcm (RFC 8188): one record, readable by the browser alone. */
import { createCipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';

export type WebPushKeys = {
  /** The browser's public key: 65 bytes, base64url. */
  p256dh: string;
  /** Its authentication secret: 16 bytes, base64url. */
  auth: string;
};
/** Fresh for each message; given in tests only. */
export type Ephemeral = { privateKey: Buffer; salt: Buffer };

const RECORD_BYTES = 4096;
const LAST_RECORD = Buffer.from([2]);

/** Throws when the browser's key is no point of the curve. */
export function encrypted(plain: string, { p256dh, auth }: WebPushKeys, ephemeral?: Ephemeral): Buffer {
  const ours = createECDH('prime256v1');
  if (ephemeral) ours.setPrivateKey(ephemeral.privateKey);
  else ours.generateKeys();
  const salt = ephemeral?.salt ?? randomBytes(16);
  const [theirKey, ourKey] = [Buffer.from(p256dh, 'base64url'), ours.getPublicKey()];
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), theirKey, ourKey]);
  const secret = hkdf(ours.computeSecret(theirKey), Buffer.from(auth, 'base64url'), info, 32);
  const key = hkdf(secret, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const nonce = hkdf(secret, salt, Buffer.from('Content-Encoding: nonce\0'), 12);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const recordSize = Buffer.alloc(4);
  recordSize.writeUInt32BE(RECORD_BYTES);
  return Buffer.concat([
    salt, recordSize, Buffer.from([ourKey.length]), ourKey,
    cipher.update(plain, 'utf8'), cipher.update(LAST_RECORD), cipher.final(), cipher.getAuthTag(),
  ]);
}

const hkdf = (secret: Buffer, salt: Buffer, info: Buffer, bytes: number) => Buffer.from(hkdfSync('sha256', secret, salt, info, bytes));
