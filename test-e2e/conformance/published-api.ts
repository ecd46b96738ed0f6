/**
 * The OpenAPI document that Twilio publishes for Conversations v1, as it ships in the npm package of its command line: its
 * 103 operations, and a judge of answers by its schemas. OpenAPI 3.0's `nullable` becomes a JSON schema that says so.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

type Json = Record<string, any>;
export type Operation = {
  id: string;
  verb: 'GET' | 'POST' | 'DELETE';
  /** With the parameters' names: `/v1/Conversations/{Sid}`. */
  path: string;
  family: 'account' | 'service';
  /** The path without what tells the family and the names: `Conversations/{}`. */
  shape: string;
  /** Of the form. */
  fields: readonly { name: string; required: boolean; schema: Json }[];
  /** Names of headers. */
  headers: readonly string[];
  /** Of the query. */
  filters: readonly { name: string; schema: Json }[];
  success: readonly number[];
};

const file = createRequire(import.meta.url).resolve('@twilio/cli-core/src/services/twilio-api/twilio_conversations_v1.json');
const published = JSON.parse(readFileSync(file, 'utf8')) as Json;

const verbs = { get: 'GET', post: 'POST', delete: 'DELETE' } as const;
const servicePrefix = '/v1/Services/{ChatServiceSid}/';

function operationOf(path: string, verb: keyof typeof verbs, operation: Json): Operation {
  const family = path.startsWith(servicePrefix) ? 'service' : 'account';
  const form: Json = operation['requestBody']?.content['application/x-www-form-urlencoded'].schema ?? {};
  const required = new Set<string>(form['required'] ?? []);
  return {
    id: operation['operationId'], verb: verbs[verb], path, family,
    shape: path.slice(family === 'service' ? servicePrefix.length : '/v1/'.length).replaceAll(/\{\w+\}/g, '{}'),
    fields: Object.entries<Json>(form['properties'] ?? {}).map(([name, schema]) => ({ name, required: required.has(name), schema })),
    headers: (operation['parameters'] ?? []).filter((parameter: Json) => parameter['in'] === 'header').map(({ name }: Json) => name),
    filters: (operation['parameters'] ?? []).filter((parameter: Json) => parameter['in'] === 'query')
      .map(({ name, schema }: Json) => ({ name, schema })),
    success: Object.keys(operation['responses']).map(Number),
  };
}

/** Creating before deleting, and otherwise as published. */
export const operations: readonly Operation[] = Object.entries<Json>(published['paths']).flatMap(([path, item]) =>
  (Object.keys(verbs) as (keyof typeof verbs)[]).filter((verb) => verb in item).map((verb) => operationOf(path, verb, item[verb])));

/** `{nullable: true, …}` allows null; everything else stays. */
function withNull(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withNull);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { nullable, ...rest } = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withNull(value)])) as Json;
  return nullable === true ? { anyOf: [{ type: 'null' }, rest] } : rest;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
ajv.addFormat('uri', /^https?:\/\/[^\s]+$/);
for (const format of ['uri-map', 'http-method', 'int32', 'date-time-rfc-2822']) ajv.addFormat(format, true);
const root = 'published';
ajv.addSchema(withNull(published) as Json, root);

const escaped = (key: string) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));
const validators = new Map<string, ValidateFunction>();

/** What of this answer the document does not allow; empty when it is as published. */
export function faultsOf({ path, verb }: Operation, status: number, body: unknown): string[] {
  const pointer = `#/paths/${escaped(path)}/${verb.toLowerCase()}/responses/${status}/content/${escaped('application/json')}/schema`;
  let validate = validators.get(pointer);
  if (!validate) {
    validate = ajv.compile({ $ref: root + pointer });
    validators.set(pointer, validate);
  }
  if (validate(body)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || 'body'} ${message}`);
}

/** The values a parameter can have, if they are few. */
export function valuesIn(schema: Json): string[] {
  const { enum: values = [] } = schema['$ref'] ? (published['components'].schemas[String(schema['$ref']).split('/').at(-1)!] as Json) : schema;
  return values as string[];
}

/** The fields of the resource an operation answers with, by the document. */
export function fieldsOf({ path, verb }: Operation, status: number): string[] {
  const schema = published['paths'][path][verb.toLowerCase()].responses[status].content['application/json'].schema as Json;
  const resolved = (part: Json): Json => (part['$ref'] ? published['components'].schemas[String(part['$ref']).split('/').at(-1)!] : part);
  const list = Object.entries<Json>(schema['properties'] ?? {}).find(([, part]) => part['type'] === 'array');
  return Object.keys(resolved(list && 'meta' in schema['properties'] ? list[1]['items'] : schema)['properties']).sort();
}
