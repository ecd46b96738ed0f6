/**
 * Text that nobody expects: what breaks parsers, databases, logs, terminals and other people's code. Every arbitrary here
 * shrinks to the shortest text that still does.
 */
import fc from 'fast-check';

const known = [
  '', ' ', '\t', '0', '-0', '-1', '+1', '1.5', '1e9', '99999999999999999999', '2147483648', '9007199254740993', 'NaN', 'Infinity', 'null', 'undefined', 'true', 'TRUE',
  '{}', '[]', '{', '"', "'", '\\', '%', '%s', '%n', '%00', '../../etc/passwd', '..\\..\\', '<b>', '<!--', '${7*7}', '{{7*7}}', '$1', "'; drop table x; --", '1 or 1=1', '*', '(', '\\d+$',
  '\0', 'a\0b', '\n', '\r\nX-Injected: y', '\u0007', '\u001b[31m', '\u007f', '\u0085', '\u2028', '\u200b', '\u202e', '\ufeff', '\uffff', '\u{10ffff}', 'e\u0301\u0327', '😀', '👩‍👩‍👧‍👦',
  'ü', 'İ', 'ß', 'ﷺ'.repeat(40), '\ufffd', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '{"__proto__":1}', '{"a":"\\u0000"}', '{"a":"\\ud800"}', '{"identity":"x"}',
  '{"messaging_binding":{"address":"+1"}}', '2015-12-16T22:18:37Z', '2015-13-45', '0000-00-00T00:00:00Z', '+275760-09-13T00:00:00.000Z', 'PT1M', 'P1000000Y', 'P-1D', 'PT',
  'whatsapp:+15550001111', '+15550001111', 'sms:', 'a@b.c', 'file:///etc/passwd', 'javascript:1', 'http://[', 'http://127.0.0.1:9/\n',
] as const;
/** One code unit, several bytes, two code units, and what must be escaped in JSON, SQL and URLs. */
const repeated = ['x', 'ü', '😀', '"', '\0', '\\', '%', '[', ' '] as const;

export const longText = (min: number, max: number): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...repeated), fc.integer({ min, max })).map(([unit, times]) => unit.repeat(times));

export const strangeText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...known) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  { weight: 1, arbitrary: longText(200, 3000) },
);

/** What a header's value may hold on the wire; Node's client sends nothing else. The tests on bytes do. */
export const headerText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('', ' ', 'x', 'true', 'TrUe', 'false', '0', '-1', 'null', '*', '""', 'W/"x"', 'bytes=0-', 'bytes=5-2,9-', 'bytes=-99999999999', 'text/html;q=x', '\u00e9', 'a\tb', '%00', '{}') },
  { weight: 3, arbitrary: fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).filter((code) => code < 0x7f || code > 0x9f).map((code) => String.fromCodePoint(code)), maxLength: 60 }) },
  { weight: 1, arbitrary: fc.constantFrom(254, 255, 256, 511, 513, 4000, 9000).map((length) => 'k'.repeat(length)) },
);

/** Not escaped by anybody: what stands so in a URL. */
export const rawSegments = ['%', '%f', '%ff', '%00', '%ED%A0%80', '%F0%9F%98%80', 'a%2fb', '%2e%2e', '..', '.', '+', ';x=1', ':Sid', '*', '{Sid}', '@', `${'x'.repeat(300)}`, 'x'.repeat(301), 'x'.repeat(5000)] as const;
export const rawQueries = [
  '', '&&', '=', '&=&', '%', '%00=%00', '%ff=%fe', '__proto__=1', '__proto__[x]=1', 'constructor=x', 'a[b]=c', 'a[]=1&a[]=2', 'Tea=green', ';', '?', '#',
  'PageSize', 'PageSize=', 'PageSize=1&PageSize=2', 'x=1&'.repeat(1500), `x=${'y'.repeat(17_000)}`,
] as const;
export const brokenJson = ['', '{', '[]', 'null', '1', '"x"', '{"a":1}{', '{"__proto__":{"x":1}}', '{"constructor":{"prototype":{}}}', '\ufeff{}', '{"a":1e999}', '{"types":', '['.repeat(5000), '{"a":'.repeat(5000)] as const;
