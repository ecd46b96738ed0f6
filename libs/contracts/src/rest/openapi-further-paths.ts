/** What we serve besides the 103 operations of Conversations: described here by hand, path by path. */
import { refusal } from './openapi-parameters.js';

type Json = Record<string, unknown>;

const plain = (summary: string, status: number, description: string): Json => ({ summary, responses: { [status]: { description } }, security: [] });

const channelMetadata = (inPath: readonly string[]): Json => ({
  get: {
    operationId: inPath.includes('ChatServiceSid') ? 'FetchServiceChannelMetadata' : 'FetchChannelMetadata', tags: ['Message'],
    summary: 'What the channel told about a message; nothing is kept, so it is always 404 with code 50530.',
    parameters: inPath.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })), responses: { default: refusal },
  },
});

export const furtherPaths = (): Record<string, Json> => ({
  '/v1/Conversations/{ConversationSid}/Messages/{MessageSid}/ChannelMetadata': channelMetadata(['ConversationSid', 'MessageSid']),
  '/v1/Services/{ChatServiceSid}/Conversations/{ConversationSid}/Messages/{MessageSid}/ChannelMetadata': channelMetadata(['ChatServiceSid', 'ConversationSid', 'MessageSid']),
  '/health': { get: plain('Whether this process is ready.', 200, 'It is.') },
  '/openapi.json': { get: plain('This document.', 200, 'OpenAPI 3.1.') },
  '/asyncapi.json': { get: plain('The websocket `/v1/stream`, described.', 200, 'AsyncAPI 3.') },
  '/docs': { get: plain('This document as pages to read.', 200, 'HTML.') },
});
