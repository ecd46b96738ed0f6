/** Keys by which a push service knows who sends (VAPID, RFC 8292): an EC key pair on P-256, both halves as base64url. */
import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto';

export type VapidKeys = { publicKey: string; privateKey: string };

export function newVapidKeys(): VapidKeys {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  // Leading zeros are not part of what it gives, but of the 32 bytes.
  const scalar = ecdh.getPrivateKey();
  const privateKey = Buffer.concat([Buffer.alloc(32 - scalar.length), scalar]).toString('base64url');
  return { publicKey: ecdh.getPublicKey('base64url'), privateKey };
}

/** The public half, which browsers subscribe with; undefined when it is no private key. */
export function vapidPublicKey(privateKey: string): string | undefined {
  if (!/^[\w-]{43}$/.test(privateKey)) return undefined;
  try {
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(Buffer.from(privateKey, 'base64url'));
    return ecdh.getPublicKey('base64url');
  } catch {
    return undefined;
  }
}

/** Undefined when it is none. */
export function vapidSigningKey(privateKey: string): KeyObject | undefined {
  const publicKey = vapidPublicKey(privateKey);
  if (publicKey === undefined) return undefined;
  const point = Buffer.from(publicKey, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  return createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', d: privateKey, x: x!, y: y! } });
}
