/** The serialisers against the wire examples of the API reference, section 13. */
import type { Account } from '@parley/event-store/accounts';
import type { Call } from './call.js';
import { conversationJson } from './conversation-json.js';
import { deliveryJson, MessageJson } from './message-json.js';
import { participantJson } from './participant-json.js';

const sid = (prefix: string) => `${prefix}${'1'.repeat(32)}`;
const account = { sid: sid('AC'), defaultChatServiceSid: sid('IS') } as Account;
const base = 'https://conversations.twilio.com/v1';
const call: Call = { account, key: undefined, member: undefined, caller: { account: sid('AC') }, service: sid('IS'), ofService: false, base };
const ofService: Call = { ...call, ofService: true, base: `${base}/Services/${sid('IS')}` };
const at = '2026-01-01 00:00:05.123+00';

const conversation = {
  sid: sid('CH'), account: sid('AC'), chat_service_sid: sid('IS'), messaging_service_sid: sid('MG'), friendly_name: null, unique_name: null,
  attributes: '{}', state: 'active', timer_inactive: null, timer_closed: 'PT10M', email_address: null, email_name: null,
  created_by: null, created_at: '2026-01-01 00:00:00+00', updated_at: '2026-01-01 00:00:00+00', last_activity_at: '2026-01-01 00:00:00+00',
  timers_from: '2026-01-01 00:00:00+00',
};

describe('conversationJson', () => {
  const url = `${base}/Conversations/${sid('CH')}`;
  it('is the wire example of a conversation with a closed timer', () =>
    expect(conversationJson(call, conversation)).toBe(JSON.stringify({
      sid: sid('CH'), account_sid: sid('AC'), chat_service_sid: sid('IS'), messaging_service_sid: sid('MG'), friendly_name: null,
      unique_name: null, attributes: '{}', date_created: '2026-01-01T00:00:00Z', date_updated: '2026-01-01T00:00:00Z', state: 'active',
      timers: { date_closed: '2026-01-01T00:10:00Z' }, bindings: {}, url,
      links: { participants: `${url}/Participants`, messages: `${url}/Messages`, webhooks: `${url}/Webhooks`, export: `${url}/Export` },
    })));
  it.each([
    [{ timer_closed: null }, {}],
    [{ timer_inactive: 'PT1M' }, { date_inactive: '2026-01-01T00:01:00Z', date_closed: '2026-01-01T00:10:00Z' }],
    [{ state: 'closed' }, {}],
    [{ timers_from: '2026-01-01 00:01:00+00' }, { date_closed: '2026-01-01T00:11:00Z' }],
    [{ timers_from: null }, { date_closed: '2026-01-01T00:10:00Z' }],
    [{ last_activity_at: '9999-12-31 23:59:59+00' }, { date_closed: '9999-12-31T23:59:59Z' }],
  ])('tells deadlines, never durations: %j', (change, timers) =>
    expect(JSON.parse(conversationJson(call, { ...conversation, ...change }))).toMatchObject({ timers }));
  it('escapes what people wrote', () =>
    expect(JSON.parse(conversationJson(call, { ...conversation, friendly_name: '"\\\n\u2028', email_name: 'A "B"' }))).toMatchObject({
      friendly_name: '"\\\n\u2028', bindings: { email: { projected_address: null, name: 'A "B"' } },
    }));
});

describe('MessageJson', () => {
  const url = `${base}/Conversations/${sid('CH')}/Messages/${sid('IM')}`;
  const example = {
    sid: sid('IM'), account_sid: sid('AC'), conversation_sid: sid('CH'), body: 'hi', media: null, author: 'system', participant_sid: null,
    attributes: '{}', date_created: '2026-01-01T00:00:05Z', date_updated: '2026-01-01T00:00:05Z', index: 0, delivery: null,
    content_sid: null, url, links: { delivery_receipts: `${url}/Receipts`, channel_metadata: `${url}/ChannelMetadata` },
  };
  const row = [sid('IM'), 0, 'system', null, 'hi', '{}', null, null, at, at, null, null] as const;
  it('is the wire example of a chat-only message', () =>
    expect(new MessageJson(call, sid('CH')).ofRow([...row])).toBe(JSON.stringify(example)));
  it('is the same from the fact itself', () =>
    expect(new MessageJson(call, sid('CH')).ofFact({
      messageSid: `IM${'1'.repeat(32)}`, index: 0, author: 'system', participantSid: null, body: 'hi', attributes: '{}', media: null,
      contentSid: null, subject: null, recipients: [], source: null, createdAt: '2026-01-01T00:00:05.123Z', updatedAt: '2026-01-01T00:00:05.123Z',
    })).toBe(JSON.stringify(example)));
  it('names its service on the service path only', () =>
    expect(JSON.parse(new MessageJson(ofService, sid('CH')).ofRow([...row]))).toMatchObject({
      chat_service_sid: sid('IS'), url: `${base}/Services/${sid('IS')}/Conversations/${sid('CH')}/Messages/${sid('IM')}`,
    }));
  it('shows media by the API\'s names', () => {
    const media = [{ sid: sid('ME'), contentType: 'image/jpeg', filename: 'car.jpg', size: 42_056 }];
    const [, ...rest] = row;
    expect(JSON.parse(new MessageJson(call, sid('CH')).ofRow([sid('IM'), ...rest.slice(0, 5), media, ...rest.slice(6)] as never))).toMatchObject({
      media: [{ sid: sid('ME'), size: 42_056, content_type: 'image/jpeg', filename: 'car.jpg' }],
    });
  });
});

describe('deliveryJson', () => {
  it.each([
    [2, [0, 0, 0, 0, 0], ['none', 'none', 'none', 'none', 'none']],
    [2, [2, 1, 1, 0, 0], ['all', 'some', 'some', 'none', 'none']],
    [3, [1, 0, 0, 1, 1], ['some', 'none', 'none', 'some', 'some']],
  ] as const)('%d recipients, %j', (total, counts, [sent, delivered, read, failed, undelivered]) =>
    expect(JSON.parse(deliveryJson(total, counts))).toEqual({ total, sent, delivered, read, failed, undelivered }));
});

describe('participantJson', () => {
  const row = {
    sid: sid('MB'), identity: null, type: 'sms', address: '+15558675310', proxy_address: '+15017122661', projected_address: null, attributes: '{ "role": "driver" }',
    role_sid: sid('RL'), last_read_message_index: null, last_read_timestamp: null, created_at: at, updated_at: at,
  };
  it('has a binding outside the chat', () =>
    expect(JSON.parse(participantJson(call, sid('CH'), row))).toEqual({
      account_sid: sid('AC'), conversation_sid: sid('CH'), sid: sid('MB'), identity: null, attributes: '{ "role": "driver" }',
      messaging_binding: { type: 'sms', address: '+15558675310', proxy_address: '+15017122661' }, role_sid: sid('RL'),
      date_created: '2026-01-01T00:00:05Z', date_updated: '2026-01-01T00:00:05Z',
      url: `${base}/Conversations/${sid('CH')}/Participants/${sid('MB')}`, last_read_message_index: null, last_read_timestamp: null,
    }));
  it.each([
    [{ address: '+15558675310', proxy_address: null }, { type: 'sms', address: '+15558675310' }],
    [{ address: null, proxy_address: null, projected_address: '+15017122661', identity: 'alice' }, { type: 'sms', projected_address: '+15017122661' }],
  ])('has a number in a group: %j', (fields, expected) => expect(JSON.parse(participantJson(call, sid('CH'), { ...row, ...fields })).messaging_binding).toEqual(expected));
  it('has none in the chat', () =>
    expect(JSON.parse(participantJson(call, sid('CH'), {
      ...row, identity: 'alice', type: null, address: null, proxy_address: null, last_read_message_index: 7,
      last_read_timestamp: '2026-01-01T00:00:05.123Z',
    }))).toMatchObject({
      identity: 'alice', messaging_binding: null, last_read_message_index: 7, last_read_timestamp: '2026-01-01T00:00:05Z',
    }));
});
