/**
 * Seals secrets (data keys, auth tokens, carrier credentials) with the installation's key, PARLEY_KEK: 32 bytes, base64.
 * AES-256-GCM; a sealed secret is nonce (12), ciphertext, tag (16).
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

export class SecretBox {
  private readonly key: Buffer;

  /** Throws when the key is not 32 bytes of base64. */
  constructor(kekBase64: string) {
    this.key = Buffer.from(kekBase64, 'base64');
    if (this.key.length !== 32) throw new Error('PARLEY_KEK must be 32 bytes in base64 (44 characters)');
  }

  seal(plain: string | Buffer): Buffer {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce);
    return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** Throws when it was sealed with another key or altered. */
  openBytes(sealed: Buffer): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', this.key, sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(sealed.length - 16));
    return Buffer.concat([decipher.update(sealed.subarray(12, sealed.length - 16)), decipher.final()]);
  }

  /** A key for one purpose, the same for ever, that tells nothing about the others; hex. */
  derivedKey(purpose: string): string {
    return createHmac('sha256', this.key).update(purpose).digest('hex');
  }

  open(sealed: Buffer): string {
    return this.openBytes(sealed).toString('utf8');
  }
}
