/// <reference types="jest" />
/**
 * A carrier by the OpenAPI document it publishes, on a real socket: takes only what the document allows (fields it does not
 * know are faults too), answers 422 to anything else, and answers itself with the document's own examples and schemas.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bodyAs, valueAs } from './published-values.testing.js';

type Json = Record<string, any>;
type Answer = { status: number; headers?: Record<string, string>; body: unknown };
/** A part of the document, and where it stands once references are followed. */
type Part = { node: Json; pointer: string };

const escaped = (key: string) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));

export class PublishedApi {
  /** What the document does not allow, of requests and of the answers a test asked for. */
  readonly faults: string[] = [];
  /** Requests that were as published: `createMessage`. */
  readonly served: string[] = [];
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true, logger: false });
  private readonly validators = new Map<string, ValidateFunction>();
  private readonly server = createServer((request, response) => void this.handle(request).then(({ status, headers, body }) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))));
  private next: ((operationId: string) => Answer | undefined) = () => undefined;

  constructor(private readonly document: Json) {
    // Twilio calls paths of its own addresses too.
    this.ajv.addFormat('uri', (text: string) => text.startsWith('/') || URL.canParse(text));
    this.ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
    this.ajv.addSchema(withNull(document) as Json, 'published');
  }

  get url(): string { return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`; }
  listen(): Promise<void> { return new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve)); }
  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  /** Until told otherwise: this status of the operation, with these fields instead of the examples'. Without: success. */
  answerWith(operationId?: string, answer?: { status: number; headers?: Record<string, string>; fields?: Json }): void {
    this.faults.length = this.served.length = 0;
    this.next = (id) => (id === operationId && answer ? { ...answer, body: answer.fields } : undefined);
  }

  /** Statuses the document has for an operation. */
  statusesOf(operationId: string): number[] {
    const found = this.operations().find(({ operation }) => operation.node['operationId'] === operationId)!;
    return Object.keys(found.operation.node['responses']).map(Number).filter(Number.isInteger);
  }

  private async handle(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url!, this.url);
    const found = this.operations().find(({ verb, address }) => verb === request.method?.toLowerCase() && address.test(url.pathname));
    if (!found) return this.fault([`${request.method} ${url.pathname} is not there`]);
    const { operation, item, address } = found;
    const id = operation.node['operationId'] as string;
    const faults = [
      ...this.parametersAt(item, operation, url, address.exec(url.pathname)!.groups ?? {}, request),
      ...this.authorizationFaults(operation.node, request), ...await this.bodyFaults(operation, request),
    ];
    if (faults.length > 0) return this.fault(faults.map((fault) => `${id}: ${fault}`));
    this.served.push(id);
    return this.answerOf(operation, this.next(id));
  }

  private fault(faults: string[]): Answer {
    this.faults.push(...faults);
    return { status: 422, body: { faults } };
  }

  /** Every operation with the address it has behind its server's. */
  private operations() {
    return Object.entries<Json>(this.document['paths']).flatMap(([path, item]) => ['get', 'post', 'put', 'delete'].filter((verb) => verb in item).map((verb) => {
      const [server] = item[verb].servers ?? item['servers'] ?? this.document['servers'];
      const prefix = new URL(server.url).pathname.replace(/\/$/, '');
      const pattern = (prefix + path).replaceAll('.', String.raw`\.`).replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
      const pointer = `#/paths/${escaped(path)}`;
      return { verb, address: new RegExp(`^${pattern}$`), item: { node: item, pointer }, operation: { node: item[verb] as Json, pointer: `${pointer}/${verb}` } };
    }));
  }

  private parametersAt(item: Part, operation: Part, url: URL, inPath: Record<string, string>, { headers }: IncomingMessage): string[] {
    const parameters = [item, operation].flatMap((part) => ((part.node['parameters'] ?? []) as Json[]).map((_, i) => this.follow(part, 'parameters', String(i))));
    const known = new Set(parameters.filter(({ node }) => node['in'] === 'query').map(({ node }) => node['name']));
    const unknown = [...url.searchParams.keys()].filter((name) => !known.has(name)).map((name) => `query ${name} is not known`);
    return [...unknown, ...parameters.flatMap((parameter) => {
      const { name, in: where, required } = parameter.node;
      const given = where === 'path' ? inPath[name] : where === 'query' ? url.searchParams.get(name) : headers[String(name).toLowerCase()];
      if (given === undefined || given === null) return required ? [`${where} ${name} is missing`] : [];
      const schema = this.follow(parameter, 'schema');
      return this.check(schema.pointer, valueAs(schema.node, [decodeURIComponent(String(given))])).map((fault) => `${where} ${name}: ${fault}`);
    })];
  }

  private authorizationFaults(operation: Json, { headers }: IncomingMessage): string[] {
    const ways = ((operation['security'] ?? this.document['security'] ?? []) as Json[]).flatMap((way) => Object.keys(way))
      .map((name) => this.document['components'].securitySchemes[name].scheme ?? 'bearer');
    const given = headers.authorization?.split(' ')[0]?.toLowerCase();
    return ways.length === 0 || ways.some((way) => way.toLowerCase() === given) ? [] : [`authorization is ${given}, not ${ways.join(' or ')}`];
  }

  private async bodyFaults(operation: Part, request: IncomingMessage): Promise<string[]> {
    const text = Buffer.concat(await request.toArray()).toString();
    if (!('requestBody' in operation.node)) return text === '' ? [] : ['body is not known'];
    const described = this.follow(operation, 'requestBody');
    const type = request.headers['content-type']?.split(';')[0] ?? '';
    if (!(type in described.node['content'])) return [`body is ${type}`];
    const schema = this.follow(described, 'content', type, 'schema');
    return this.check(schema.pointer, bodyAs(type, text, schema.node, (part) => this.resolve({ node: part, pointer: '' }).node), true);
  }

  /** The document's own answer: by its example, or made of its fields' examples. A test's fields must fit it too. */
  private answerOf(operation: Part, wanted?: Answer): Answer {
    const status = wanted?.status ?? Number(Object.keys(operation.node['responses']).find((code) => code.startsWith('2')));
    const response = this.follow(operation, 'responses', String(status));
    if (!response.node?.['content']?.['application/json']) return { status, headers: wanted?.headers ?? {}, body: wanted?.body ?? {} };
    const media = this.follow(response, 'content', 'application/json');
    const [first] = Object.values<Json>(media.node['examples'] ?? {});
    const schema = this.follow(media, 'schema');
    const body = { ...(media.node['example'] ?? first?.['value'] ?? this.exampleOf(schema.node)), ...wanted?.body as Json };
    this.faults.push(...this.check(schema.pointer, body).map((fault) => `the test's answer: ${fault}`));
    return { status, headers: wanted?.headers ?? {}, body };
  }

  private exampleOf(part: Json): any {
    const schema = this.resolve({ node: part, pointer: '' }).node;
    if ('example' in schema) return schema['example'];
    if (schema['enum']) return schema['enum'][0];
    if (schema['type'] === 'array') return [this.exampleOf(schema['items'])];
    if (schema['properties']) return Object.fromEntries(Object.entries<Json>(schema['properties']).map(([name, field]) => [name, this.exampleOf(field)]));
    return ({ integer: 1, number: 1, boolean: true, string: 'text' } as Json)[schema['type']];
  }

  private check(pointer: string, value: unknown, closed = false): string[] {
    const key = `${pointer} ${closed}`;
    const validate = this.validators.get(key) ?? this.ajv.compile({ $ref: `published${pointer}`, ...(closed && { unevaluatedProperties: false }) });
    this.validators.set(key, validate);
    if (validate(value)) return [];
    return validate.errors!.map(({ instancePath, message, params }) => `${instancePath || 'body'} ${message} ${(params as Json)['unevaluatedProperty'] ?? ''}`.trim());
  }

  private follow(from: Part, ...keys: string[]): Part {
    return keys.reduce((part, key) => this.resolve({ node: part.node?.[key], pointer: `${part.pointer}/${escaped(key)}` }), from);
  }
  private resolve(part: Part): Part {
    const pointer = part.node?.['$ref'] as string | undefined;
    if (pointer === undefined) return part;
    const node = pointer.slice(2).split('/').reduce((at, key) => at[decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~')], this.document);
    return this.resolve({ node, pointer });
  }
}

/** OpenAPI 3.0's `nullable` as JSON schema says it. */
function withNull(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withNull);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { nullable, ...rest } = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withNull(value)])) as Json;
  return nullable === true ? { anyOf: [{ type: 'null' }, rest] } : rest;
}
