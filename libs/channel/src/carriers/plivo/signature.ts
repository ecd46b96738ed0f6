/**
 * X-Plivo-Signature-V3 (channel facts, 1.4): base64 of HMAC-SHA256, keyed with the auth token, over the address with its query
 * sorted, the form's parameters sorted, and the nonce. The header may hold several, while a token is being changed.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export function plivoSignature(authToken: string, method: string, url: string, form: URLSearchParams, nonce: string): string {
  const { origin, pathname, searchParams } = new URL(url);
  const address = origin + pathname;
  let signed: string;
  if (method === 'GET') {
    const all = pairs([...searchParams, ...form], '=', '&');
    signed = all === '' ? address : `${address}?${all}`;
  } else {
    const query = pairs([...searchParams], '=', '&');
    const parameters = pairs([...form], '', '');
    // The question mark stands even before parameters of the form alone.
    signed = address + (query + parameters === '' ? '' : `?${query}${query === '' || parameters === '' ? '' : '.'}${parameters}`);
  }
  return createHmac('sha256', authToken).update(`${signed}.${nonce}`).digest('base64');
}

export function isPlivoSignature(authToken: string, signatures: string, ...request: [method: string, url: string, form: URLSearchParams, nonce: string]): boolean {
  const wanted = Buffer.from(plivoSignature(authToken, ...request));
  return signatures.split(',').some((signature) => {
    const given = Buffer.from(signature.trim());
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

const pairs = (parameters: [string, string][], equals: string, and: string) => parameters
  .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0)).map(([name, value]) => name + equals + value).join(and);
