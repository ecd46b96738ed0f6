/**
 * Requests nobody would write, made from our own OpenAPI document: known and strange SIDs in the path, values that fit the
 * schema and values that do not, bytes turned over. The same seed gives the same requests.
 */
import type { Random } from '../../tools/chaos/random.ts';

type Schema = { type?: string; enum?: string[]; pattern?: string; contentMediaType?: string; items?: Schema; anyOf?: Schema[]; maxLength?: number; description?: string };
type Parameter = { name: string; in: string; schema: Schema };
type Operation = { operationId?: string; parameters?: Parameter[]; requestBody?: { content: Record<string, { schema: { properties?: Record<string, Schema> } }> } };
export type OpenApi = { paths: Record<string, Record<string, Operation>> };
export type GeneratedRequest = { method: string; path: string; headers: Record<string, string>; body: Buffer | undefined };
/** SIDs by their first two letters, and names that stand for resources. */
export type Known = { sids: readonly string[]; names: readonly string[]; service: string; otherServices: readonly string[] };

/** Nothing listens there, and nothing leaves this machine. */
const NOWHERE = 'http://127.0.0.1:9/';
const strange = [
  '', ' ', '0', '-1', '99999999999999999999', '1e9', 'NaN', 'null', 'undefined', 'true', 'TRUE', '{}', '[]', '{', '"', "'", '\\', '%', '%s', '../../etc', '<b>', '$1',
  "'; drop table x; --", '\0', '\n', '\r\nX: y', '\u2028', '😀', 'ü', '\ud83d'.toWellFormed(), '\uffff', 'ﷺ'.repeat(40), '2015-12-16T22:18:37Z', '2015-13-45', 'PT1M', 'P1000000Y',
  'whatsapp:+15550001111', '+15550001111', 'a@b.c', '__proto__', 'constructor', 'toString', '{"__proto__":1}', '{"identity":"x"}', '{"messaging_binding":{"address":"+1"}}',
] as const;
const verbs = ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD', 'OPTIONS'] as const;
const contentTypes = ['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded; charset=utf-16', '', ';', 'x'] as const;

/** Whose SIDs the API expects there. */
const prefixes: Readonly<Record<string, string>> = {
  Conversations: 'CH', Messages: 'IM', Participants: 'MB', Webhooks: 'WH', Receipts: 'DY', Users: 'US', Roles: 'RL', Services: 'IS', Credentials: 'CR', Addresses: 'IG', Bindings: 'BS', Keys: 'SK', SigningKeys: 'SK', Accounts: 'AC',
};
const prefixAt = (template: string, name: string): string => prefixes[new RegExp(`(\\w+)/\\{${name}\\}`).exec(template)?.[1] ?? ''] ?? '';

export class RequestGenerator {
  private readonly operations: { path: string; method: string; operation: Operation }[];

  constructor(document: OpenApi, private readonly random: Random, public known: Known) {
    // Promoting a token would end the one these requests are made with.
    this.operations = Object.entries(document.paths).filter(([path]) => /^\/(v1|2010-04-01)\/(?!AuthTokens)/.test(path)).flatMap(([path, item]) =>
      Object.entries(item).map(([verb, operation]) => ({ path, method: verb.toUpperCase(), operation })));
  }

  next(): GeneratedRequest {
    const { random } = this;
    const { path: template, method: usual, operation } = random.pick(this.operations);
    const method = this.often(0.97) ? usual : random.pick(verbs);
    const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => this.inPath(template, name, method));
    const { parameters = [] } = operation;
    const headers = this.headers(method, parameters.filter((parameter) => parameter.in === 'header'));
    // Node itself refuses a head of more than 16 KiB.
    const query = this.form(Object.fromEntries(parameters.filter((parameter) => parameter.in === 'query').map(({ name, schema }) => [name, schema]))).slice(0, 8000);
    const [[kind, { schema }] = ['', { schema: {} }]] = Object.entries(operation.requestBody?.content ?? {});
    const fields = (schema as { properties?: Record<string, Schema> }).properties ?? {};
    const isJson = kind === 'application/json';
    if (isJson && this.often(0.95)) headers['content-type'] = kind;
    const body = method === 'GET' || method === 'HEAD' || (method === 'DELETE' && this.often(0.95)) ? undefined : this.bytes(isJson ? this.json(fields) : this.form(fields));
    return { method, path: query ? `${path}?${query}` : path, headers, body };
  }

  private often(share: number): boolean {
    return this.random.next() < share;
  }

  private inPath(template: string, name: string, method: string): string {
    const { random, known } = this;
    // The services this works in stay.
    if (method === 'DELETE' && template === '/v1/Services/{Sid}') return random.pick([...known.otherServices, ...strange.map(encodeURIComponent)]) || 'x';
    if (name === 'ChatServiceSid' && this.often(0.9)) return known.service;
    if (this.often(0.7)) return random.pick(known.sids.filter((sid) => sid.startsWith(prefixAt(template, name))).concat(random.pick(known.sids)));
    if (this.often(0.3)) return random.pick(known.sids);
    if (this.often(0.5)) return encodeURIComponent(random.pick(known.names));
    return this.often(0.8) ? encodeURIComponent(random.pick(strange)) : random.pick(['%', '%ff', '%00', 'a%2fb', '..', '.', 'x'.repeat(5000), '%F0%9F%98%80', '+', ';x=1']);
  }

  private headers(method: string, declared: readonly Parameter[]): Record<string, string> {
    const headers: Record<string, string> = {};
    if (method !== 'GET') headers['content-type'] = this.often(0.97) ? 'application/x-www-form-urlencoded' : this.random.pick(contentTypes);
    for (const { name } of declared) if (this.often(0.2)) headers[name] = this.random.pick(['true', 'false', 'TrUe', 'x'.repeat(300), `k${Math.floor(this.random.next() * 50)}`, '\u00e9', ' ']);
    return headers;
  }

  /** Most of the declared parameters, some of them twice, now and then one nobody declared. */
  private form(fields: Readonly<Record<string, Schema>>): string {
    const pairs: string[] = [];
    const share = this.random.pick([0, 0.2, 0.5, 1]);
    for (const [name, schema] of Object.entries(fields)) {
      if (!this.often(share)) continue;
      const times = this.often(0.95) ? 1 : this.random.pick([2, 3, 12]);
      for (let i = 0; i < times; i++) pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(this.value(schema))}`);
    }
    if (this.often(0.05)) pairs.push(this.random.pick(['Tea=green', '__proto__=1', 'a[b]=c', '=', '&&', '%', 'constructor=x', `Long=${'x'.repeat(70_000)}`]));
    return pairs.join('&');
  }

  private json(fields: Readonly<Record<string, Schema>>): string {
    const any = (schema: Schema): unknown => this.random.pick([
      () => this.value(schema), () => null, () => 7, () => [], () => ({}), () => ({ [this.random.pick(strange)]: this.value(schema) }),
      () => ({ 'twilio/text': { body: this.value(schema) } }), () => [{ media_sid: this.random.pick(this.known.sids) }],
    ])();
    const body = Object.fromEntries(Object.entries(fields).filter(() => this.often(0.8)).map(([name, schema]) => [name, schema.enum || this.often(0.4) ? this.value(schema) : any(schema)]));
    return this.often(0.95) ? JSON.stringify(body) : this.random.pick(['', '{', '[]', 'null', '1', '"x"', `${'['.repeat(5000)}`]);
  }

  private value(schema: Schema): string {
    const { random, known } = this;
    if (this.often(0.25)) return this.often(0.9) ? random.pick(strange) : random.pick(['x', 'ü', '😀', '"']).repeat(Math.floor(random.between(1, 40_000)));
    if (schema.items) return this.value(schema.items);
    if (schema.anyOf) return this.value(random.pick(schema.anyOf));
    if (schema.enum) return random.pick(schema.enum);
    if (schema.contentMediaType) return random.pick(['{}', '{"a":[1,{"b":null}]}', '[]', '1', '"x"', `{"a":"${'x'.repeat(3000)}"}`]);
    const prefix = /^\^([A-Z]{2})\[/.exec(schema.pattern ?? '')?.[1];
    if (prefix) return random.pick(known.sids.filter((sid) => sid.startsWith(prefix)).concat(`${prefix}${'0'.repeat(32)}`));
    if (schema.description?.startsWith('ISO 8601 duration')) return random.pick(['PT1M', 'PT10M', 'P1D', 'PT1H30M', '']);
    if (schema.description?.startsWith('ISO 8601')) return random.pick(['2015-12-16T22:18:37Z', 'Wed, 16 Dec 2015 22:18:37 GMT', '2015-12-16T22:18:37.123+05:30']);
    if (schema.pattern?.includes('\\d')) return String(Math.floor(random.between(-2, 120)));
    return random.pick([NOWHERE, 'onMessageAdded', 'sendMessage', 'a text', ...known.names, `name ${Math.floor(random.next() * 1000)}`]);
  }

  /** Sometimes with bytes turned over. */
  private bytes(form: string): Buffer {
    const bytes = Buffer.from(form);
    if (bytes.length === 0 || this.often(0.9)) return bytes;
    for (let i = 0; i < 3; i++) bytes[Math.floor(this.random.between(0, bytes.length))] = Math.floor(this.random.between(0, 256));
    return bytes;
  }
}
