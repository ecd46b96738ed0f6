/**
 * What the server says on the websocket `/v1/stream` (docs/websocket.md), but for events (event-frames.ts): the AsyncAPI document is made from
 * these schemas, and the specs judge by them every frame their clients get.
 */
import { z } from 'zod';
import { count, errorAnswer, sidOf, textOrNull } from '../rest/answer-fields.js';
import { frameId } from './client-frames.js';
import { eventFrames, type EventFrame, type EventName } from './event-frames.js';

const id = frameId.optional().describe('That of the frame it answers.');
const conversation = sidOf('CH');
const conversations = z.union([z.literal('all'), z.array(conversation)]);
const instant = z.string().meta({ format: 'date-time' });

export const serverFrames = {
  ready: z.strictObject({
    type: z.literal('ready'), id, account_sid: sidOf('AC'), identity: textOrNull, chat_service_sid: sidOf('IS').nullable(), expires_at: instant.nullable(),
    heartbeat_seconds: z.number().positive(),
  }).describe('Who the client is: null is a back end, which sees everything of the account.'),
  subscribed: z.strictObject({
    type: z.literal('subscribed'), id, conversations, positions: z.record(conversation, count),
  }).describe('What is followed from now on, each conversation from behind this position.'),
  unsubscribed: z.strictObject({ type: z.literal('unsubscribed'), id, conversations }).describe('These are no longer followed.'),
  response: z.strictObject({
    type: z.literal('response'), id: frameId, status: z.int().min(200).max(599), body: z.union([z.record(z.string(), z.unknown()), z.null(), errorAnswer]),
    retry_after: count.optional().describe('Seconds.'),
  }).describe('What the REST API answered; body is null when there is none.'),
  typing: z.strictObject({
    type: z.literal('typing'), conversation, identity: z.string(), expires_in_seconds: z.int().positive(),
  }).describe('Somebody else types in a conversation that is followed.'),
  presence: z.strictObject({
    type: z.literal('presence'), identity: z.string(), online: z.boolean().nullable(),
  }).describe('Whether a user is online; null: the service does not tell, or nobody knows at the moment.'),
  read: z.strictObject({
    type: z.literal('read'), id, conversation, index: count.nullable(), unread: count.nullable(),
  }).describe('How far the member has read, and how many messages are behind that.'),
  pong: z.strictObject({ type: z.literal('pong'), id }).describe('The line is alive.'),
  error: z.strictObject({
    type: z.literal('error'), id, code: z.int(), message: z.string(), conversation: z.string().optional(), conversations: z.array(z.string()).optional(),
    chat_service_sid: z.string().optional(),
  }).describe('A frame is refused, with a code of the REST API.'),
  token_expiring: z.strictObject({ type: z.literal('token_expiring'), expires_at: instant }).describe('Three minutes before the token ends: say hello with another one.'),
  closing: z.strictObject({ type: z.literal('closing'), message: z.string() }).describe('The server restarts: connect again and resume.'),
  lagged: z.strictObject({ type: z.literal('lagged'), message: z.string() }).describe('You read too slowly: connect again and resume.'),
};

export type ServerFrameType = keyof typeof serverFrames;
export type ServerFrame = { [Type in ServerFrameType]: z.output<(typeof serverFrames)[Type]> }[ServerFrameType]
  | EventFrame;

/** What is wrong with a frame from the server; undefined: nothing. */
export function serverFrameFault(frame: unknown): string | undefined {
  const { type, event } = frame as { type: ServerFrameType | 'event'; event: EventName };
  const schema: z.ZodType | undefined = type === 'event' ? eventFrames[event] : serverFrames[type];
  if (!schema) return `no frame of this type: ${JSON.stringify(frame)}`;
  const { error } = schema.safeParse(frame);
  return error && `${z.prettifyError(error)}: ${JSON.stringify(frame)}`;
}
