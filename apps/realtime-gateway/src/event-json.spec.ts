import type { LogEvent } from '@parley/domain/event';
import { eventJson } from './event-json.js';

const conversation = `CH${'a'.repeat(32)}`;
const fact = (type: string, data: Record<string, unknown>, over: Partial<LogEvent> = {}): LogEvent => ({
  shard: 5, position: 70, stream: `conversation-${conversation}`, version: 7, account: `AC${'0'.repeat(32)}`, conversation, type, schemaVersion: 1,
  eventId: 'e', recordedAt: '2026-11-22T19:02:23.123Z', data, ...over,
});
const shown = (type: string, data: Record<string, unknown>) => JSON.parse(eventJson(fact(type, data))!) as { event: string; data: Record<string, unknown> };
const at = '2026-11-22T19:02:23.987Z';
const message = {
  messageSid: 'IM1', index: 3, author: 'al"ice\\', participantSid: null, body: 'a "quote" \u2028 \ud83d\udc4b \n', attributes: '{"a":"\\""}',
  media: [{ sid: 'ME1', size: 5, contentType: 'image/png', filename: null }], contentSid: null, subject: 'internal', source: 'sms',
  recipients: [{ participantSid: 'MB2', type: 'sms', address: '+4917', proxyAddress: '+1' }], createdAt: at, updatedAt: at,
};

describe('what a client sees of a fact', () => {
  it('MessageAdded: the message as in REST, and not who else gets it', () => {
    const { event, data } = shown('MessageAdded', message);
    expect(event).toBe('onMessageAdded');
    expect(data).toEqual({
      account_sid: `AC${'0'.repeat(32)}`, conversation_sid: conversation, sid: 'IM1', index: 3, author: message.author, body: message.body,
      media: [{ sid: 'ME1', size: 5, content_type: 'image/png', filename: null }], attributes: message.attributes, participant_sid: null,
      content_sid: null, date_created: '2026-11-22T19:02:23Z', date_updated: '2026-11-22T19:02:23Z',
    });
  });
  it('MessageUpdated: only what changed', () =>
    expect(shown('MessageUpdated', { messageSid: 'IM1', index: 3, body: 'new', updatedAt: at }).data).toEqual({
      account_sid: expect.any(String), conversation_sid: conversation, sid: 'IM1', index: 3, body: 'new', date_updated: '2026-11-22T19:02:23Z',
    }));
  it('ParticipantAdded: with its binding, as in REST', () =>
    expect(shown('ParticipantAdded', {
      participantSid: 'MB1', identity: null, binding: { type: 'sms', address: '+4917', proxyAddress: '+1' }, attributes: '{}', roleSid: null,
      createdAt: at, updatedAt: at,
    }).data).toMatchObject({ sid: 'MB1', identity: null, messaging_binding: { type: 'sms', address: '+4917', proxy_address: '+1' } }));
  it('a cleared read horizon is null, an untouched one absent', () => {
    expect(shown('ParticipantUpdated', { participantSid: 'MB1', lastReadMessageIndex: null, updatedAt: at }).data).toHaveProperty('last_read_message_index', null);
    expect(shown('ParticipantUpdated', { participantSid: 'MB1', attributes: '{}', updatedAt: at }).data).not.toHaveProperty('last_read_message_index');
  });
  it('DeliveryUpdated: the receipt', () =>
    expect(shown('DeliveryUpdated', {
      receiptSid: 'DY1', conversationSid: conversation, messageSid: 'IM1', participantSid: 'MB1', channelMessageSid: 'SM1', status: 'failed', errorCode: 30003, updatedAt: at,
    })).toMatchObject({ event: 'onDeliveryUpdated', data: { sid: 'DY1', message_sid: 'IM1', participant_sid: 'MB1', status: 'failed', error_code: 30003 } }));
  it.each([
    ['MessageDeleted', { messageSid: 'IM1', index: 3, deletedAt: at }, 'onMessageRemoved'],
    ['ParticipantRemoved', { participantSid: 'MB1', removedAt: at }, 'onParticipantRemoved'],
    ['ConversationDeleted', { deletedAt: at }, 'onConversationRemoved'],
    ['ConversationStateUpdated', { from: 'active', to: 'closed', reason: 'API', updatedAt: at }, 'onConversationStateUpdated'],
  ])('%s has the API\'s name', (type, data, name) => expect(shown(type, data).event).toBe(name));
  it('nothing of what was erased, or what clients do not know', () => {
    expect(eventJson(fact('MessageAdded', {}, { erased: true }))).toBeUndefined();
    expect(eventJson(fact('SomethingNew', {}))).toBeUndefined();
  });
});
