/** Our checked-in OpenAPI document as generated requests need it: what can be asked, where, with which parameters and bodies. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Schema = {
  type?: string | readonly string[]; enum?: readonly string[]; const?: string; anyOf?: readonly Schema[]; items?: Schema; minItems?: number; maxItems?: number;
  properties?: Readonly<Record<string, Schema>>; required?: readonly string[]; additionalProperties?: Schema; pattern?: string; minLength?: number; maxLength?: number;
  contentMediaType?: string; format?: string; description?: string;
};
export type Parameter = { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: Schema };
export type Operation = {
  /** `POST /v1/Conversations`. */
  title: string; method: string; template: string; parameters: readonly Parameter[];
  body?: { type: string; schema: Schema };
  /** Answers whoever asks. */
  open: boolean;
  statuses: ReadonlySet<number>;
};

type Document = { paths: Record<string, Record<string, {
  parameters?: Parameter[]; requestBody?: { content: Record<string, { schema: Schema }> }; responses: Record<string, unknown>; security?: unknown[];
}>> };

export function readOperations(): Operation[] {
  const { paths } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'openapi', 'parley.openapi.json'), 'utf8')) as Document;
  return Object.entries(paths).flatMap(([template, verbs]) => Object.entries(verbs).map(([verb, { parameters = [], requestBody, responses, security }]) => {
    const method = verb.toUpperCase();
    const [body] = Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => ({ type, schema }));
    return { title: `${method} ${template}`, method, template, parameters, ...(body && { body }), open: security?.length === 0, statuses: new Set(Object.keys(responses).map(Number)) };
  }));
}

/** Whose SIDs the API expects there, which the document does not say: by the collection before the parameter. */
const kinds: Readonly<Record<string, string>> = {
  Conversations: 'CH', Messages: 'IM', Participants: 'MB', Webhooks: 'WH', Receipts: 'DY', Users: 'US', Roles: 'RL', Services: 'IS', Credentials: 'CR', Addresses: 'IG',
  Bindings: 'BS', Keys: 'SK', SigningKeys: 'SK', Accounts: 'AC', Media: 'ME', Content: 'HX',
};
export const kindAt = (template: string, parameter: string): string => {
  if (template === '/v1/Services/{Sid}') return 'spareIS'; // the service everything else is in must stay
  return kinds[new RegExp(`(\\w+)/\\{${parameter}\\}`).exec(template)?.[1] ?? ''] ?? '';
};

/** The last collection of a path: its lists have page tokens of their own. */
export const collectionOf = (template: string): string => template.replaceAll(/\/\{\w+\}|\.json/g, '').split('/').at(-1)!;
