/**
 * X-Twilio-Signature (API reference, section 4.7): base64 of HMAC-SHA1, keyed with the auth token, over the full public URL
 * followed by every form parameter as name and value, sorted by name; values of a repeated name are deduplicated and sorted.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const twilioSignature = (authToken: string, url: string, form: URLSearchParams): string => sign(authToken, url + canonical(form));

const sign = (authToken: string, text: string) => createHmac('sha1', authToken).update(text).digest('base64');

/** True if `signature` belongs to the request; senders disagree on writing the default port, so both forms count. */
export function isTwilioSignature(authToken: string, signature: string, url: string, form: URLSearchParams): boolean {
  const given = Buffer.from(signature);
  const parameters = canonical(form);
  const fits = (candidate: string) => {
    const expected = Buffer.from(sign(authToken, candidate + parameters));
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
  return fits(url) || fits(withPortToggled(url));
}

function canonical(form: URLSearchParams): string {
  const parameters = [...form].sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0));
  let text = '';
  let [lastName, lastValue]: (string | undefined)[] = [];
  for (const [name, value] of parameters) {
    if (name !== lastName || value !== lastValue) text += name + value;
    [lastName, lastValue] = [name, value];
  }
  return text;
}

/** `https://a.test/x` <-> `https://a.test:443/x`; other ports are part of the URL and stay. */
function withPortToggled(url: string): string {
  const [, scheme, host, port, rest] = /^(https?):\/\/(\[[^\]]+\]|[^/:?]+)(?::(\d+))?(.*)$/s.exec(url) ?? [];
  const defaultPort = scheme === 'https' ? '443' : '80';
  if (port === undefined) return `${scheme}://${host}:${defaultPort}${rest}`;
  return port === defaultPort ? `${scheme}://${host}${rest}` : url;
}
