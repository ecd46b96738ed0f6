/**
 * Arbitraries from the schemas of our OpenAPI document: values that fit, values at the edges of what fits, and values that
 * do not. What a plain string means (an address, a URL) the document does not say; the table of meanings here does.
 */
import fc from 'fast-check';
import type { Schema } from './api-document.js';
import { longText, strangeText } from './strange-text.js';

/** Stands for what only the run knows: `~mine.CH~`. These characters stay as they are in URLs, forms and JSON. */
export const reference = (whose: 'mine' | 'theirs' | 'strangers' | 'spare', kind: string): string => `~${whose}.${kind}~`;

/** Nothing listens there, and nothing leaves this machine. */
const NOWHERE = 'http://127.0.0.1:9/';
const phone = fc.integer({ min: 0, max: 9_999_999 }).map((n) => `+1777${String(n).padStart(7, '0')}`);
const meanings: readonly [name: RegExp, arbitrary: fc.Arbitrary<string>][] = [
  [/Url$/, fc.constantFrom(NOWHERE, '')],
  [/Filters$/, fc.constantFrom('onMessageAdded', 'onMessageAdd', 'onConversationUpdated', 'onParticipantRemoved', 'onDeliveryUpdated')],
  [/^Permission$/, fc.constantFrom('sendMessage', 'editAnyMessage', 'leaveConversation', 'createConversation', 'joinConversation')],
  [/Identity$|^Author$/, fc.constantFrom(reference('mine', 'identity'), reference('theirs', 'identity'), 'somebody', 'system')],
  [/UniqueName$/, fc.oneof(fc.constant(reference('mine', 'name')), fc.constant(reference('theirs', 'name')), fc.integer({ min: 0, max: 999 }).map((n) => `name-${n}`))],
  [/ProxyAddress$|ProjectedAddress$/, fc.constantFrom(reference('mine', 'sender'), `whatsapp:${reference('mine', 'sender')}`, '+15559999999')],
  [/Address$/, fc.oneof(phone, phone.map((n) => `whatsapp:${n}`), fc.constant(reference('theirs', 'address')))],
  [/^Participant$/, fc.constantFrom('{"identity":"alice"}', '{"messaging_binding":{"address":"+17770000001","proxy_address":"~mine.sender~"}}')],
  [/RoleSid$/, fc.constantFrom(reference('mine', 'RL'), reference('theirs', 'RL'))],
  [/ChatServiceSid$/, fc.constantFrom(reference('mine', 'IS'), reference('theirs', 'IS'))],
  [/^media_sid$/, fc.constantFrom(reference('mine', 'ME'), reference('theirs', 'ME'))],
  [/^(Start|End)Date$/, fc.constantFrom('2024-01-01', '2030-12-31', '2024-01-01T00:00:00Z')],
  [/^Type$/, fc.constantFrom('sms', 'whatsapp', 'conversation', 'service', 'apn', 'fcm', 'email')],
  [/^Policy$/, fc.constantFrom('{"allow":["/conversations/conversations/list"]}', '{"allow":[]}')],
  [/^ContentVariables$/, fc.constantFrom('{}', '{"1":"x"}')],
];

export function fitting(schema: Schema, name = ''): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => fitting(one, name)));
  if (Array.isArray(schema.type)) return fc.oneof(...(schema.type as string[]).map((type) => fitting({ ...schema, type }, name)));
  switch (schema.type) {
    case 'string': return fittingText(schema, name);
    case 'boolean': return fc.boolean();
    case 'number': return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'null': return fc.constant(null);
    case 'array': return fc.array(fitting(schema.items!, name), { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 5, 5) });
    case 'object': return fittingObject(schema);
    case undefined: return fc.jsonValue({ maxDepth: 2 });
    default: throw new Error(`no arbitrary for ${JSON.stringify(schema)}`); // our document grew: so must this
  }
}

function fittingObject({ properties, required = [], additionalProperties }: Schema): fc.Arbitrary<unknown> {
  if (!properties) return fc.dictionary(fc.constantFrom('1', 'body', 'twilio/text', 'twilio/media', 'media', 'x'), fitting(additionalProperties ?? {}), { maxKeys: 4 });
  return fc.record(Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, fitting(schema, name)])), { requiredKeys: [...required] });
}

function fittingText(schema: Schema, name: string): fc.Arbitrary<string> {
  const { pattern = '', contentMediaType, description = '', minLength = 0, maxLength = 60 } = schema;
  const sid = /^\^([A-Z]{2})\[/.exec(pattern)?.[1];
  if (sid) return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(reference('mine', sid), reference('theirs', sid)) }, { weight: 1, arbitrary: fc.stringMatching(new RegExp(pattern)) });
  const range = rangeOf(description);
  if (range) return fc.integer({ min: range[0], max: Math.min(range[1], 100) }).map(String);
  if (pattern) return fc.stringMatching(new RegExp(pattern));
  if (contentMediaType) return fc.json({ maxDepth: 3 });
  if (description.startsWith('ISO 8601 duration')) return fc.constantFrom('PT10M', 'P1D', 'PT1H30M', 'P2W');
  if (description.startsWith('ISO 8601')) return fc.date({ min: new Date(0), max: new Date('2030-01-01'), noInvalidDate: true }).chain((date) => fc.constantFrom(date.toISOString(), date.toUTCString()));
  const meant = meanings.find(([pattern]) => pattern.test(name))?.[1];
  const text = fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 60) }).filter((text) => [...text].length <= maxLength);
  return meant ? fc.oneof({ weight: 4, arbitrary: meant.filter((text) => text.length >= minLength) }, { weight: 1, arbitrary: text }) : text;
}

const rangeOf = (description: string): [number, number] | undefined => {
  const [, min, max] = /^Whole number from (\d+)(?: to (\d+))?/.exec(description) ?? [];
  return min === undefined ? undefined : [Number(min), Number(max ?? 2 ** 31)];
};

/** Just inside and just outside: lengths in characters, code units and bytes, numbers, times, the case of words. */
export function atTheEdge(schema: Schema): fc.Arbitrary<string> {
  const { maxLength, description = '', enum: words = [] } = schema;
  const edges = [''];
  if (maxLength !== undefined) for (const n of [maxLength - 1, maxLength, maxLength + 1]) edges.push('x'.repeat(n), '😀'.repeat(n), '😀'.repeat(Math.ceil(n / 2)), 'é'.repeat(n));
  const bytes = Number(/at most (\d+) bytes/.exec(description)?.[1]);
  if (bytes) for (const n of [bytes - 1, bytes, bytes + 1]) edges.push(`"${'x'.repeat(n - 2)}"`, `"${'ü'.repeat(Math.ceil((n - 2) / 2))}"`);
  const range = rangeOf(description);
  if (range) edges.push(...range.flatMap((n) => [n - 1, n, n + 1].map(String)), '-0', '+1', '0'.repeat(15) + '1', '9'.repeat(16), '9'.repeat(17), '2147483648');
  if (description.startsWith('ISO 8601 duration')) edges.push('PT59S', 'PT1M', 'PT9M59S', 'PT10M', 'P9999Y', 'P', 'PT0S', 'PT0.5S', `PT${'9'.repeat(30)}S`);
  else if (description.startsWith('ISO 8601')) edges.push('0001-01-01T00:00:00Z', '9999-12-31T23:59:60Z', '2015-02-29', '2015-12-16T24:00:00Z', '2015-12-16T22:18:37.123456789+14:00', '-000001-01-01T00:00:00Z');
  for (const word of words) edges.push(word.toUpperCase(), ` ${word}`, word.slice(1));
  return fc.oneof(fc.constantFrom(...edges), ...(schema.items ? [atTheEdge(schema.items)] : []), ...(schema.anyOf ?? []).map(atTheEdge));
}

/** One value of a form, a query or a header. */
export function anyText(schema: Schema, name: string): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 7, arbitrary: fitting(schema.type === 'array' ? schema.items! : schema, name) as fc.Arbitrary<string> },
    { weight: 2, arbitrary: atTheEdge(schema) },
    { weight: 2, arbitrary: strangeText },
    { weight: 1, arbitrary: fc.oneof({ weight: 9, arbitrary: fc.json({ maxDepth: 2 }) }, { weight: 1, arbitrary: longText(1000, 40_000) }) },
  );
}

/** One member of a JSON body, of the right type or of any other. */
export function anyJson(schema: Schema, name: string): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 6, arbitrary: fitting(schema, name) }, { weight: 1, arbitrary: atTheEdge(schema) }, { weight: 1, arbitrary: strangeText }, { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 2 }) });
}
