/** The API on accounts in our OpenAPI document (account-operations.ts). */
import { z } from 'zod';
import { account, apiKey, key, listedApiKey, newApiKey, newKey, pageOf2010, promotedAuthToken, secondaryAuthToken } from './account-answers.js';
import { createAccount, createApiKey, listAccounts, listApiKeys, nameOfKey, updateAccount, updateApiKey } from './account-parameters.js';
import { listOf } from './answer-fields.js';
import { answerSchema, parameterSchema, refusal } from './openapi-parameters.js';
import { paging } from './paging.js';

type Json = Record<string, unknown>;
export type Described = { name: string; tag: string; answer?: z.ZodType; created?: true; form?: z.ZodType; query?: z.ZodType; list?: true };

const keysOf2010 = (resource: 'Key' | 'SigningKey', plural: string, array: string): Record<string, Record<string, Described>> => ({
  [`/2010-04-01/Accounts/{AccountSid}/${plural}.json`]: {
    get: { name: `List${resource}`, tag: 'API Key', answer: pageOf2010(array, key), list: true },
    post: { name: `CreateNew${resource}`, tag: 'API Key', answer: newKey, created: true, form: nameOfKey },
  },
  [`/2010-04-01/Accounts/{AccountSid}/${plural}/{Sid}.json`]: {
    get: { name: `Fetch${resource}`, tag: 'API Key', answer: key },
    post: { name: `Update${resource}`, tag: 'API Key', answer: key, form: nameOfKey },
    delete: { name: `Delete${resource}`, tag: 'API Key' },
  },
});

const paths: Record<string, Record<string, Described>> = {
  '/2010-04-01/Accounts.json': {
    get: { name: 'ListAccount', tag: 'Account', answer: pageOf2010('accounts', account), query: listAccounts, list: true },
    post: { name: 'CreateAccount', tag: 'Account', answer: account, created: true, form: createAccount },
  },
  '/2010-04-01/Accounts/{Sid}.json': {
    get: { name: 'FetchAccount', tag: 'Account', answer: account },
    post: { name: 'UpdateAccount', tag: 'Account', answer: account, form: updateAccount },
  },
  ...keysOf2010('Key', 'Keys', 'keys'),
  ...keysOf2010('SigningKey', 'SigningKeys', 'signing_keys'),
  '/v1/Keys': {
    get: { name: 'ListApiKey', tag: 'API Key', answer: listOf('keys', listedApiKey), query: listApiKeys, list: true },
    post: { name: 'CreateApiKey', tag: 'API Key', answer: newApiKey, created: true, form: createApiKey },
  },
  '/v1/Keys/{Sid}': {
    get: { name: 'FetchApiKey', tag: 'API Key', answer: apiKey },
    post: { name: 'UpdateApiKey', tag: 'API Key', answer: apiKey, form: updateApiKey },
    delete: { name: 'DeleteApiKey', tag: 'API Key' },
  },
  '/v1/AuthTokens/Secondary': {
    post: { name: 'CreateSecondaryAuthToken', tag: 'Auth Token', answer: secondaryAuthToken, created: true },
    delete: { name: 'DeleteSecondaryAuthToken', tag: 'Auth Token' },
  },
  '/v1/AuthTokens/Promote': { post: { name: 'UpdateAuthTokenPromotion', tag: 'Auth Token', answer: promotedAuthToken } },
};

function operation(path: string, verb: string, { name, tag, answer, created, form, query, list }: Described): Json {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, each]) => ({ name: each, in: 'path', required: true, schema: { type: 'string' } }));
  const inQuery = [parameterSchema(query), parameterSchema(list && paging(100))].flatMap(({ properties, required = [] }) =>
    Object.entries(properties).map(([each, schema]) => ({ name: each, in: 'query', required: required.includes(each), schema })));
  const inHeader = verb === 'get' ? [] : [{ name: 'Idempotency-Key', in: 'header', schema: { type: 'string', maxLength: 255 } }];
  const success = answer
    ? { [created ? 201 : 200]: { description: tag, content: { 'application/json': { schema: answerSchema(answer) } } } }
    : { 204: { description: 'Deleted.' } };
  return {
    operationId: name, tags: [tag], parameters: [...inPath, ...inQuery, ...inHeader],
    ...(form && { requestBody: { content: { 'application/x-www-form-urlencoded': { schema: { type: 'object', ...parameterSchema(form) } } } } }),
    responses: { ...success, default: refusal },
  };
}

export const described = (all: Readonly<Record<string, Record<string, Described>>>): Record<string, Json> => Object.fromEntries(Object.entries(all).map(([path, verbs]) =>
  [path, Object.fromEntries(Object.entries(verbs).map(([verb, each]) => [verb, operation(path, verb, each)]))]));

export const openApiAccountPaths = (): Record<string, Json> => described(paths);
