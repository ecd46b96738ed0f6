/**
 * Temporary addresses of media: whoever has one may read that file until it ends, without credentials. Carriers and browsers
 * need that. Signed with a key of its own, derived from PARLEY_KEK.
 */
import { isSid } from '@parley/domain/sid';
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** API reference 3.9. */
export const LINK_SECONDS = 300;
/** Carriers queue messages for hours before they fetch what belongs to them. */
export const CARRIER_LINK_SECONDS = 86_400;

export class SignedUrls {
  private readonly key: Buffer;

  constructor(private readonly publicUrl: string, kekBase64: string) {
    this.key = Buffer.from(hkdfSync('sha256', Buffer.from(kekBase64, 'base64'), '', 'parley media url', 32));
  }

  urlOf(sid: string, seconds: number = LINK_SECONDS, now: number = Date.now()): string {
    const expires = Math.floor(now / 1000) + seconds;
    return `${this.publicUrl}/media/${sid}?expires=${expires}&signature=${this.sign(sid, String(expires)).toString('base64url')}`;
  }

  /** True until the end it names, when it was signed by us. */
  holds(sid: string, query: { expires?: unknown; signature?: unknown }, now: number = Date.now()): boolean {
    const { expires, signature } = query;
    if (typeof expires !== 'string' || typeof signature !== 'string' || !isSid(sid, 'ME') || !/^\d{1,12}$/.test(expires)) return false;
    const given = Buffer.from(signature, 'base64url');
    const wanted = this.sign(sid, expires);
    return given.length === wanted.length && timingSafeEqual(given, wanted) && Number(expires) * 1000 > now;
  }

  private sign(sid: string, expires: string): Buffer {
    return createHmac('sha256', this.key).update(`${sid}\n${expires}`).digest();
  }
}
