/** Media and content templates in our OpenAPI document: bodies are files and JSON, not forms. */
import type { z } from 'zod';
import { approvalRequest, writeContent } from './content.js';
import { approvalAnswer, approvalRequestsAnswer, contentAndApprovalsPage, contentAnswer, contentPage, mediaAnswer, mediaSetAnswer } from './content-answers.js';
import { mediaSet, uploadMedia } from './media.js';
import { answerSchema, bodySchema, parameterSchema, refusal } from './openapi-parameters.js';
import { paging } from './paging.js';

type Json = Record<string, unknown>;
type Described = { name: string; tag: string; answer?: z.ZodType; status?: number; json?: z.ZodType; file?: true; content?: true; query?: z.ZodType };
const anyBytes = { '*/*': { schema: { type: 'string', format: 'binary' } } };

const paths: Record<string, Record<string, Described>> = {
  '/v1/Services/{ChatServiceSid}/Media': { post: { name: 'CreateMedia', tag: 'Media', answer: mediaAnswer, status: 201, file: true, query: uploadMedia } },
  '/v1/Services/{ChatServiceSid}/Media/{Sid}': {
    get: { name: 'FetchMedia', tag: 'Media', answer: mediaAnswer },
    delete: { name: 'DeleteMedia', tag: 'Media', status: 204 },
  },
  '/v1/Services/{ChatServiceSid}/Media/{Sid}/Content': { get: { name: 'FetchMediaContent', tag: 'Media', content: true } },
  '/v1/Services/{ChatServiceSid}/MediaSet': { post: { name: 'FetchMediaSet', tag: 'Media', answer: mediaSetAnswer, json: mediaSet } },
  '/v1/Content': {
    get: { name: 'ListContent', tag: 'Content', answer: contentPage, query: paging(100) },
    post: { name: 'CreateContent', tag: 'Content', answer: contentAnswer, status: 201, json: writeContent },
  },
  '/v1/Content/{Sid}': {
    get: { name: 'FetchContent', tag: 'Content', answer: contentAnswer },
    put: { name: 'UpdateContent', tag: 'Content', answer: contentAnswer, json: writeContent },
    delete: { name: 'DeleteContent', tag: 'Content', status: 204 },
  },
  '/v1/Content/{Sid}/ApprovalRequests': { get: { name: 'FetchApprovalRequests', tag: 'Content', answer: approvalRequestsAnswer } },
  '/v1/Content/{Sid}/ApprovalRequests/whatsapp': { post: { name: 'CreateApprovalRequest', tag: 'Content', answer: approvalAnswer, status: 201, json: approvalRequest } },
  '/v1/ContentAndApprovals': { get: { name: 'ListContentAndApprovals', tag: 'Content', answer: contentAndApprovalsPage, query: paging(100) } },
};

function operation(path: string, verb: string, { name, tag, answer, status = 200, json, file, content, query }: Described): Json {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, each]) => ({ name: each, in: 'path', required: true, schema: { type: 'string' } }));
  const { properties, required = [] } = parameterSchema(query);
  const inQuery = Object.entries(properties).map(([each, schema]) => ({ name: each, in: 'query', required: required.includes(each), schema }));
  const inHeader = verb === 'get' ? [] : [{ name: 'Idempotency-Key', in: 'header', schema: { type: 'string', maxLength: 255 } }];
  const answered = content ? anyBytes : answer && { 'application/json': { schema: answerSchema(answer) } };
  return {
    operationId: name, tags: [tag], parameters: [...inPath, ...inQuery, ...inHeader],
    ...(json && { requestBody: { content: { 'application/json': { schema: bodySchema(json) } } } }),
    ...(file && { requestBody: { content: anyBytes } }),
    responses: { [status]: { description: status === 204 ? 'Deleted.' : tag, ...(answered && { content: answered }) }, default: refusal },
  };
}

export const openApiContentPaths = (): Record<string, Json> => Object.fromEntries(Object.entries(paths).map(([path, verbs]) =>
  [path, Object.fromEntries(Object.entries(verbs).map(([verb, described]) => [verb, operation(path, verb, described)]))]));
