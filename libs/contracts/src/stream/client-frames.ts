/**
 * What clients send on the websocket `/v1/stream` (docs/websocket.md): the schemas that check their frames, and that the
 * AsyncAPI document is made from. What a frame has besides is not looked at.
 */
import { IDENTITY_CHARS_MAX } from '@parley/domain/identity';
import { z } from 'zod';
import { sidOf } from '../rest/answer-fields.js';

const TOKEN_CHARS_MAX = 8_192;
const CONVERSATIONS_MAX = 1_000;
const IDENTITIES_MAX = 1_000;
const PATH_CHARS_MAX = 4_096;
const ID_CHARS_MAX = 64;

/** Repeated by the answer. */
export const frameId = z.union([z.number(), z.string().max(ID_CHARS_MAX)], { error: `id is a number or at most ${ID_CHARS_MAX} characters` });
const id = frameId.optional();
const conversation = z.string().regex(/^CH[0-9a-fA-F]{32}$/, { error: 'conversation is a conversation SID' });
const conversations = z.union([z.literal('all'), z.array(sidOf('CH')).min(1).max(CONVERSATIONS_MAX)], {
  error: `conversations is "all" or a list of 1 to ${CONVERSATIONS_MAX} conversation SIDs`,
});
const from = z.record(sidOf('CH'), z.int().min(0)).refine((positions) => Object.keys(positions).length <= CONVERSATIONS_MAX)
  .meta({ maxProperties: CONVERSATIONS_MAX, description: 'The last position seen, by conversation: what happened behind it comes first.' });

export const clientFrames = {
  hello: z.object({
    type: z.literal('hello'), id, token: z.string().min(1).max(TOKEN_CHARS_MAX).describe('An access token: the first, or a newer one of the same member.'),
  }).describe('Who the client is.'),
  subscribe: z.object({ type: z.literal('subscribe'), id, conversations, from: from.nullish() }).describe('Follows conversations, from where it was before.'),
  unsubscribe: z.object({ type: z.literal('unsubscribe'), id, conversations }).describe('Follows them no longer.'),
  request: z.object({
    type: z.literal('request'), id: frameId,
    method: z.enum(['GET', 'POST', 'PUT', 'DELETE'], { error: 'method is GET, POST, PUT or DELETE' }),
    path: z.string().min(1).max(PATH_CHARS_MAX).describe('Below `/v1/`, with its query, percent-encoded: a path of the REST API.'),
    body: z.record(z.string(), z.unknown()).nullish().describe('The parameters by the names of the REST API. null clears; a list repeats; what is an object is passed as JSON.'),
    idempotency_key: z.string().regex(/^[\x20-\x7e]{1,255}$/, { error: 'idempotency_key is 1 to 255 printable characters' }).nullish()
      .describe('The same request with the same key within 24 h is answered again and done once.'),
    webhook_enabled: z.boolean().nullish().describe('As X-Twilio-Webhook-Enabled: what a back end does is told to webhooks. What members do always is.'),
  }).describe('A request to the REST API, with the credentials of this websocket.'),
  typing: z.object({ type: z.literal('typing'), id, conversation }).describe('The member is typing: sent again every few seconds while he is.'),
  presence: z.object({
    type: z.literal('presence'), id,
    identities: z.array(z.string().min(1).max(IDENTITY_CHARS_MAX)).max(IDENTITIES_MAX).describe('Instead of those named before; none ends it.'),
    chat_service_sid: z.string().regex(/^IS[0-9a-fA-F]{32}$/, { error: 'chat_service_sid is a service SID' }).nullish()
      .describe('Whose users, for back ends; without it the account\'s default service. A member looks at his own.'),
  }).describe('Who of these is online, now and whenever it changes.'),
  read: z.object({
    type: z.literal('read'), id, conversation, index: z.int().min(0).max(2_147_483_647).describe('Index of the last message the member has read.'),
  }).describe('How far the member has read.'),
  ping: z.object({ type: z.literal('ping'), id }).describe('Is the line alive?'),
  pong: z.object({ type: z.literal('pong'), id }).describe('A sign of life; not answered.'),
};

export type ClientFrameType = keyof typeof clientFrames;
export type ClientFrame = { [Type in ClientFrameType]: z.output<(typeof clientFrames)[Type]> }[ClientFrameType];
