/**
 * The arbitrary of one request, from an operation of our OpenAPI document: its path, parameters, headers and body, each of
 * them as declared, at the edge or wrong, by anybody. What the run makes (SIDs, credentials, page tokens) stays a reference
 * until it is sent, so that a seed means the same requests on every installation; shrinking leaves what matters.
 */
import fc from 'fast-check';
import { collectionOf, kindAt, type Operation, type Parameter, type Schema } from './api-document.js';
import { callerOf, type Whose } from './callers.js';
import { anyJson, anyText, fitting, reference } from './schema-values.js';
import { brokenJson, headerText, rawQueries, rawSegments, strangeText } from './strange-text.js';

export type GeneratedRequest = {
  operation: Operation; whose: Whose; method: string; path: string; query: string; headers: Readonly<Record<string, string>>; body: string | Uint8Array | undefined;
  /** Which of the prepared sets `mine` means. */
  set: number;
};
/** How many sets of resources are prepared: things that belong together, and things that do not. */
export const SETS = 2;

const verbs = ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'LOCK', 'QUERY', 'M-SEARCH'] as const;
const formType = 'application/x-www-form-urlencoded';
const contentTypes = [
  'application/json', 'text/plain', 'multipart/form-data', 'multipart/form-data; boundary=x', `${formType}; charset=utf-16`, `${formType};charset=UTF-8`, 'application/json; charset=x', 'Application/JSON', '', ';', 'x', 'x/y', '*/*', 'image/png',
] as const;
/** At the limit of a body, and above it. */
const tooLarge = [1_048_576, 1_048_577, 3_000_000].map((size) => `x=${'y'.repeat(size - 2)}`);
const sometimes = <T>(times: number, outOf: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ withCrossShrink: true }, { weight: outOf - times, arbitrary: fc.constant(undefined) }, { weight: times, arbitrary });
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

/** Mostly of the shape its operation has; the rest tries the doors. */
export function requestOf(operation: Operation): fc.Arbitrary<GeneratedRequest> {
  const { method, template, parameters, body } = operation;
  const declared = (where: Parameter['in']) => parameters.filter((parameter) => parameter.in === where);
  return fc.record({
    set: fc.nat(SETS - 1), caller: callerOf(template), verb: sometimes(1, 40, fc.constantFrom(...verbs)),
    path: pathOf(template, declared('path')), tail: sometimes(1, 50, fc.constantFrom('/', '//', '/x', '.json', '.xml', '/.', '%2f', '/Messages')),
    query: queryOf(template, declared('query')), declaredHeaders: pairsOf(declared('header').map((parameter) => [parameter.name, parameter.schema, false]), headerValueOf),
    headers: oddHeaders, type: sometimes(1, 25, fc.constantFrom(...contentTypes)), body: body ? bodyOf(body) : sometimes(1, 20, fc.constantFrom('x=y', '{}', '\0')),
  }).map(({ set, caller, verb, path, tail, query, declaredHeaders, headers, type, body: content }) => {
    const usual = content === undefined ? undefined : body?.type === '*/*' ? 'image/png' : body?.type ?? formType;
    const named = type ?? usual;
    return {
      operation, set, whose: caller.whose, method: verb ?? method, path: path + (tail ?? ''), query,
      headers: { ...Object.fromEntries(headers), ...Object.fromEntries(declaredHeaders), ...(named !== undefined && { 'content-type': named }), ...caller.headers },
      body: verb === 'HEAD' || verb === 'TRACE' ? undefined : content,
    };
  });
}

/** Any operation; those that take away less often, so that there is something to ask about. */
export const anyRequest = (operations: readonly Operation[]): fc.Arbitrary<GeneratedRequest> =>
  fc.oneof(...operations.map((operation) => ({ weight: operation.method === 'DELETE' ? 1 : operation.method === 'GET' ? 3 : 4, arbitrary: requestOf(operation) })));

function pathOf(template: string, parameters: readonly Parameter[]): fc.Arbitrary<string> {
  return fc.record(Object.fromEntries(parameters.map(({ name }) => [name, segmentOf(template, name)])))
    .map((values) => template.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]!));
}

/** What is here, what is another account's, what is nowhere, what is of another kind, and what is no SID at all. */
function segmentOf(template: string, name: string): fc.Arbitrary<string> {
  const kind = kindAt(template, name);
  const others = ['CH', 'IM', 'MB', 'US', 'IS', 'AC', 'WH', 'RL', 'ME', 'HX', 'SK', 'CR', 'IG'].filter((other) => other !== kind);
  const foreign = fc.constantFrom(reference('theirs', kind), reference('theirs', 'name'), reference('theirs', 'identity'));
  return fc.oneof(
    { weight: name === 'ChatServiceSid' ? 60 : 24, arbitrary: fc.constant(reference('mine', kind)) },
    { weight: 6, arbitrary: foreign },
    { weight: 2, arbitrary: fc.constantFrom(reference('mine', 'name'), reference('mine', 'identity'), 'me') },
    { weight: 2, arbitrary: fc.constantFrom(...others).map((other) => reference('mine', other)) },
    { weight: 1, arbitrary: fc.stringMatching(/^[0-9a-fA-F]{32}$/).map((hex) => `${kind.slice(-2)}${hex}`) },
    { weight: 2, arbitrary: strangeText.map((text) => encoded(text)) },
    { weight: 1, arbitrary: fc.constantFrom(...rawSegments) },
  );
}

type Field = readonly [name: string, schema: Schema, required: boolean];
/** Of the declared fields most that are required and some of the others; once, or many times. */
function pairsOf(fields: readonly Field[], valueOf: (schema: Schema, name: string) => fc.Arbitrary<string>): fc.Arbitrary<[string, string][]> {
  return fc.tuple(...fields.map(([name, schema, required]) => {
    const value = valueOf(schema, name);
    return fc.oneof({ withCrossShrink: true },
      { weight: required ? 1 : 24, arbitrary: fc.constant<string[]>([]) },
      { weight: required ? 19 : 10, arbitrary: value.map((one) => [one]) },
      { weight: 1, arbitrary: fc.array(value, { minLength: 2, maxLength: schema.type === 'array' ? 12 : 3 }) },
    ).map((values) => values.map((one): [string, string] => [name, one]));
  })).map((pairs) => pairs.flat());
}

const form = (pairs: readonly [string, string][]): string => pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');

function queryOf(template: string, parameters: readonly Parameter[]): fc.Arbitrary<string> {
  const pairs = pairsOf(parameters.map(({ name, schema, required = false }) => [name, schema, required]), (schema, name) => (name === 'PageToken' ? pageToken(template) : anyText(schema, name)));
  return fc.tuple(pairs, sometimes(1, 25, fc.constantFrom(...rawQueries))).map(([declared, raw]) => [form(declared), raw ?? ''].filter(Boolean).join('&').slice(0, 30_000));
}

/** Some of them what the list's own tokens hold. */
const tokenParts = (list: string): fc.Arbitrary<unknown[]> =>
  fc.array(fc.oneof(fc.constantFrom<unknown>(list, list.toLowerCase(), -1, 2 ** 31, 2 ** 53, null, {}), fc.jsonValue({ maxDepth: 1 })), { maxLength: 5 });

/** Mine, of this list or another; another account's; well made with anything inside; huge; no token at all. */
const pageToken = (template: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...(['mine', 'theirs'] as const).map((whose) => reference(whose, `page${collectionOf(template)}`))) },
    { weight: 2, arbitrary: fc.constantFrom('Conversations', 'Messages', 'Participants', 'Users', 'Keys').map((list) => reference('mine', `page${list}`)) },
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom('PT', 'PB'), tokenParts(collectionOf(template))).map(([start, parts]) => start + Buffer.from(JSON.stringify(parts)).toString('base64url')) },
    { weight: 1, arbitrary: fc.constantFrom('PT', 'PB', `PT${'A'.repeat(8000)}`, 'PTbnVsbA', 'PT!!!!', '0', `PT${Buffer.from('['.repeat(3000)).toString('base64url')}`) },
    { weight: 1, arbitrary: strangeText },
  );

/** Few keys, so that they meet again: with the same request, with another one, at the same moment, from another account. */
const idempotencyKey = fc.oneof({ weight: 5, arbitrary: fc.nat(20).map((n) => `key-${n}`) }, { weight: 1, arbitrary: fc.constant(reference('theirs', 'onceKey')) }, { weight: 2, arbitrary: headerText });
const headerValueOf = (schema: Schema, name: string): fc.Arbitrary<string> =>
  (name === 'Idempotency-Key' ? idempotencyKey : schema.enum ? fc.oneof(fc.constantFrom(...schema.enum), headerText) : headerText);

const oddNames = [
  'if-match', 'if-none-match', 'range', 'accept', 'accept-encoding', 'accept-language', 'cookie', 'x-forwarded-for', 'x-forwarded-host', 'x-http-method-override', 'traceparent', 'tracestate',
  'origin', 'referer', 'host', 'user-agent', 'x-twilio-token', 'x-twilio-signature', 'x-original-url', '__proto__', 'te', 'forwarded', 'access-control-request-method',
] as const;
const oddPairs: readonly [string, string][] = [
  ['connection', 'close'], ['connection', 'upgrade'], ['upgrade', 'websocket'], ['expect', '100-continue'], ['expect', 'x'], ['content-encoding', 'gzip'], ['content-encoding', 'identity'],
  ['transfer-encoding', 'chunked'], ['traceparent', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`],
];
const oddHeaders: fc.Arbitrary<[string, string][]> = fc.oneof({ withCrossShrink: true },
  { weight: 8, arbitrary: fc.constant<[string, string][]>([]) },
  { weight: 2, arbitrary: fc.array(fc.oneof({ weight: 3, arbitrary: fc.tuple(fc.constantFrom<string>(...oddNames), headerText) }, { weight: 1, arbitrary: fc.constantFrom(...oddPairs) }), { minLength: 1, maxLength: 3 }) },
);

function bodyOf({ type, schema }: NonNullable<Operation['body']>): fc.Arbitrary<string | Uint8Array> {
  const { properties = {}, required = [] } = schema;
  const usual: fc.Arbitrary<string> = type === 'application/json'
    ? fc.oneof(
      { weight: 5, arbitrary: fitting(schema).map((value) => JSON.stringify(value)) },
      { weight: 4, arbitrary: fc.record(Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, anyJson(one, name)])), { requiredKeys: [] }).map((value) => JSON.stringify(value)) },
      { weight: 1, arbitrary: fc.constantFrom(...brokenJson) })
    : type === '*/*' ? fc.string({ unit: 'binary', maxLength: 2000 })
      : fc.tuple(pairsOf(Object.entries(properties).map(([name, one]) => [name, one, required.includes(name)]), anyText), sometimes(1, 25, fc.constantFrom(...rawQueries))).map(([pairs, raw]) => [form(pairs), raw ?? ''].filter(Boolean).join('&'));
  return fc.oneof({ weight: 60, arbitrary: usual }, { weight: 3, arbitrary: fc.uint8Array({ maxLength: 300 }) }, { weight: 1, arbitrary: fc.constantFrom(...tooLarge) });
}
