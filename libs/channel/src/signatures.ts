/**
 * X-Twilio-Signature (API reference, section 4.7): base64 of HMAC-SHA1, keyed with the auth token, over the full public URL
 * followed by every form parameter as name and value, sorted by name; values of a repeated name are deduplicated and sorted.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export function twilioSignature(authToken: string, url: string, form: URLSearchParams): string {
  return createHmac('sha1', authToken).update(url + canonical(form)).digest('base64');
}

/** True if `signature` belongs to the request; senders disagree on writing the default port, so both forms count. */
export function isTwilioSignature(authToken: string, signature: string, url: string, form: URLSearchParams): boolean {
  const given = Buffer.from(signature);
  return [url, withPortToggled(url)].some((candidate) => {
    const expected = Buffer.from(twilioSignature(authToken, candidate, form));
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

function canonical(form: URLSearchParams): string {
  const names = [...new Set(form.keys())].sort();
  return names.map((name) => [...new Set(form.getAll(name))].sort().map((value) => name + value).join('')).join('');
}

/** `https://a.test/x` <-> `https://a.test:443/x`; other ports are part of the URL and stay. */
function withPortToggled(url: string): string {
  const [, scheme, host, port, rest] = /^(https?):\/\/(\[[^\]]+\]|[^/:?]+)(?::(\d+))?(.*)$/s.exec(url) ?? [];
  const defaultPort = scheme === 'https' ? '443' : '80';
  if (port === undefined) return `${scheme}://${host}:${defaultPort}${rest}`;
  return port === defaultPort ? `${scheme}://${host}${rest}` : url;
}
