/**
 * Our own OpenAPI 3.1 document, made from the schemas that read requests (operation-parameters.ts) and describe answers
 * (answers.ts): what is not said there cannot be wrong here. The gateway serves it at /openapi.json.
 */
import { z } from 'zod';
import { errorAnswer, listOf, type Family } from './answer-fields.js';
import { answersOf, lists } from './configuration-answers.js';
import { openApiAccountPaths } from './openapi-account-paths.js';
import { furtherPaths } from './openapi-further-paths.js';
import { openApiChannelPaths } from './openapi-channel-paths.js';
import { openApiContentPaths } from './openapi-content-paths.js';
import { answerSchema, parameterSchema, refusal } from './openapi-parameters.js';
import { resourceParameters, webhookEnabled } from './operation-parameters.js';
import { apiPaths, type ApiPath } from './operations.js';
import { paging } from './paging.js';

type Json = Record<string, unknown>;
type Verb = ApiPath['verbs'][number];

const familyOf = (path: string): Family => (path.startsWith('/v1/Services/{Sid}/') ? 'service' : 'account');
const schemaName = (family: Family, resource: string) =>
  (family === 'service' && resource in answersOf('account') ? 'Service' : '') + resource.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase()).replaceAll(' ', '');
const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Json) => ({ 'application/json': { schema } });

/** `{Sid}` gets the name that tells whose it is, as in the paths Twilio publishes. */
const parents: Readonly<Record<string, string>> = {
  Services: 'ChatServiceSid', Conversations: 'ConversationSid', Messages: 'MessageSid', Users: 'UserSid',
};
function namedPath(path: string): { path: string; names: string[] } {
  const names: string[] = [];
  const parts = path.split('/');
  const named = parts.map((part, i) => {
    if (part !== '{Sid}') return part;
    const last = i === parts.length - 1;
    names.push(last && !path.endsWith('Users/{Sid}/Conversations/{Sid}') ? 'Sid' : (parents[parts[i - 1]!] ?? 'Sid'));
    return `{${names.at(-1)}}`;
  });
  return { path: named.join('/'), names };
}

/** What to call this in code: FetchServiceConversation, as the official SDKs name it. */
function operationName(family: Family, path: string, verb: Verb, isList: boolean, resource: string): string {
  const action = verb === 'GET' ? (isList ? 'List' : 'Fetch') : verb === 'DELETE' ? 'Delete' : creates(path, resource) ? 'Create' : 'Update';
  return action + schemaName(family, resource);
}
/** A POST on a collection creates; on one resource, or on a configuration, it updates. */
const creates = (path: string, resource: string) => !path.endsWith('{Sid}') && (resource in lists || resource === 'Conversation with Participants');

function parametersOf(names: string[], verb: Verb, isList: boolean, resource: string): Json[] {
  const inPath = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const pageSizeMax = lists[resource]?.pageSizeMax as 5 | 50 | 100;
  const inQuery = isList ? [parameterSchema(resourceParameters[resource]?.list), parameterSchema(paging(pageSizeMax))].flatMap(({ properties, required = [] }) =>
    Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }))) : [];
  const inHeader = verb === 'GET' ? [] : [
    ...(webhookEnabled.has(resource) ? [{ name: 'X-Twilio-Webhook-Enabled', in: 'header', schema: { type: 'string', enum: ['true', 'false'] } }] : []),
    { name: 'Idempotency-Key', in: 'header', schema: { type: 'string', maxLength: 255 } },
  ];
  return [...inPath, ...inQuery, ...inHeader];
}

function operation({ path, resource }: ApiPath, names: string[], verb: Verb): Json {
  const family = familyOf(path);
  const isList = verb === 'GET' && !path.endsWith('{Sid}') && resource in lists;
  const creating = verb === 'POST' && creates(path, resource);
  const form = verb !== 'POST' ? undefined : resourceParameters[resource]?.[creating ? 'create' : 'update'];
  const answer = json(reference(schemaName(family, resource) + (isList ? 'Page' : '')));
  const success = verb === 'DELETE' ? { 204: { description: 'Deleted.' } } : { [creating ? 201 : 200]: { description: resource, content: answer } };
  const pending = resource === 'Conversation with Participants' ? { 202: { description: 'Its participants are being added.', content: answer } } : {};
  return {
    operationId: operationName(family, path, verb, isList, resource), tags: [resource], parameters: parametersOf(names, verb, isList, resource),
    ...(form && { requestBody: { content: { 'application/x-www-form-urlencoded': { schema: { type: 'object', ...parameterSchema(form) } } } } }),
    responses: { ...success, ...pending, default: refusal },
  };
}

function components(): Json {
  const schemas: Json = { Error: answerSchema(errorAnswer) };
  for (const family of ['account', 'service'] as const)
    for (const [resource, schema] of Object.entries(answersOf(family))) {
      const name = schemaName(family, resource);
      schemas[name] = answerSchema(schema);
      const list = lists[resource];
      if (!list) continue;
      const page = answerSchema(listOf(list.key, z.unknown())) as { properties: Record<string, Json> };
      page.properties[list.key] = { type: 'array', items: reference(name) };
      schemas[`${name}Page`] = page;
    }
  return { schemas, securitySchemes: { basic: { type: 'http', scheme: 'basic', description: 'Account SID and auth token, or API key SID and secret.' } } };
}

/** The release's (tools/openapi compares it with package.json). */
const VERSION = '0.1.0';

/** The whole document. */
export function openApiDocument(): Json {
  const paths: Record<string, Json> = {};
  for (const apiPath of apiPaths) {
    const { path, names } = namedPath(apiPath.path);
    paths[path] = Object.fromEntries(apiPath.verbs.map((verb) => [verb.toLowerCase(), operation(apiPath, names, verb)]));
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Parley', version: VERSION, description: 'Self-hosted conversations: wire-compatible with Twilio Conversations v1.', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }], security: [{ basic: [] }],
    paths: { ...paths, ...openApiAccountPaths(), ...openApiContentPaths(), ...openApiChannelPaths(), ...furtherPaths() }, components: components(),
  };
}
