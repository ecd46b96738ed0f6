/** An example of every frame of `/v1/stream`, for the AsyncAPI document; checked against the schemas in its spec. */
import type { ClientFrame } from './client-frames.js';
import type { ServerFrame } from './server-frames.js';

const sid = (prefix: string) => `${prefix}0198b2c4a1d27e3f9a4b5c6d7e8f9012`;
const CH = sid('CH');
const other = 'CH0198b2c4a1d27e3f9a4b5c6d7e8f9013';
const data = { account_sid: sid('AC'), conversation_sid: CH };
const at = '2026-11-22T19:02:23Z';
const event = { type: 'event', conversation: CH, version: 7, time: '2026-11-22T19:02:23.123Z' } as const;
const binding = { type: 'sms', address: '+15005550001', proxy_address: '+15005550100' };

export const clientExamples: ClientFrame[] = [
  { type: 'hello', id: 1, token: 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJTSyJ9.c2lnbmF0dXJl' },
  { type: 'subscribe', id: 2, conversations: 'all', from: { [CH]: 41, [other]: 7 } },
  { type: 'unsubscribe', id: 3, conversations: [CH] },
  {
    type: 'request', id: 7, method: 'POST', path: `/v1/Conversations/${CH}/Messages`, body: { Body: 'Hello', Attributes: { mood: 'good' } }, idempotency_key: '3f2a',
  },
  { type: 'typing', conversation: CH },
  { type: 'presence', identities: ['bob', 'carol'] },
  { type: 'read', id: 9, conversation: CH, index: 12 },
  { type: 'ping', id: 'p1' },
  { type: 'pong' },
];

export const serverExamples: ServerFrame[] = [
  { type: 'ready', id: 1, account_sid: sid('AC'), identity: 'alice', chat_service_sid: sid('IS'), expires_at: '2026-11-22T20:02:23.000Z', heartbeat_seconds: 25 },
  { type: 'subscribed', id: 2, conversations: 'all', positions: { [CH]: 41, [other]: 7 } },
  { type: 'unsubscribed', id: 3, conversations: [CH] },
  { type: 'response', id: 7, status: 201, body: { sid: sid('IM'), index: 12, author: 'alice', body: 'Hello' } },
  { type: 'typing', conversation: CH, identity: 'bob', expires_in_seconds: 6 },
  { type: 'presence', identity: 'bob', online: true },
  { type: 'read', id: 9, conversation: CH, index: 12, unread: 0 },
  { type: 'pong', id: 'p1' },
  { type: 'error', id: 2, code: 20404, message: 'The requested resource was not found', conversations: [other] },
  { type: 'token_expiring', expires_at: '2026-11-22T20:02:23.000Z' },
  { type: 'closing', message: 'The server restarts. Connect again and resume from the last position you saw.' },
  { type: 'lagged', message: 'You read too slowly. Connect again and resume from the last position you saw.' },
  {
    ...event, position: 31, event: 'onConversationAdded',
    data: {
      ...data, sid: CH, chat_service_sid: sid('IS'), messaging_service_sid: null, friendly_name: 'Tea', unique_name: null, attributes: '{}', state: 'active',
      timers: { date_closed: at }, date_created: at, date_updated: at,
    },
  },
  { ...event, position: 32, event: 'onConversationUpdated', data: { ...data, friendly_name: 'Tea time', date_updated: at } },
  { ...event, position: 33, event: 'onConversationStateUpdated', data: { ...data, state: 'closed', state_from: 'active', state_to: 'closed', reason: 'API', date_updated: at } },
  { ...event, position: 34, event: 'onConversationRemoved', data: { ...data, date_removed: at } },
  {
    ...event, position: 35, event: 'onParticipantAdded',
    data: {
      ...data, sid: sid('MB'), identity: null, messaging_binding: binding, role_sid: sid('RL'), attributes: '{}', date_created: at, date_updated: at,
      last_read_message_index: null, last_read_timestamp: null,
    },
  },
  { ...event, position: 36, event: 'onParticipantUpdated', data: { ...data, sid: sid('MB'), last_read_message_index: 12, last_read_timestamp: at, date_updated: at } },
  { ...event, position: 37, event: 'onParticipantRemoved', data: { ...data, sid: sid('MB'), date_removed: at } },
  {
    ...event, position: 41, event: 'onMessageAdded',
    data: {
      ...data, sid: sid('IM'), index: 3, author: 'alice', body: 'Hello', media: [{ sid: sid('ME'), size: 2_048, content_type: 'image/png', filename: 'tea.png' }],
      attributes: '{"mood":"good"}', participant_sid: sid('MB'), content_sid: null, date_created: at, date_updated: at,
    },
  },
  { ...event, position: 42, event: 'onMessageUpdated', data: { ...data, sid: sid('IM'), index: 3, body: 'Hello!', date_updated: at } },
  { ...event, position: 43, event: 'onMessageRemoved', data: { ...data, sid: sid('IM'), index: 3, date_removed: at } },
  {
    ...event, position: 44, event: 'onDeliveryUpdated',
    data: { ...data, sid: sid('DY'), message_sid: sid('IM'), participant_sid: sid('MB'), channel_message_sid: sid('SM'), status: 'delivered', error_code: 0, date_updated: at },
  },
];
