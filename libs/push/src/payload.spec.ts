import { createRequire } from 'node:module';
import { notification } from './notification.testing.js';
import { apnsPayload, fcmData, webPushPayload } from './payload.js';
import { rendered, TEXT_CHARS_MAX, variablesOf, type TemplateSubject } from './template.js';

const media = [{ sid: `ME${'3'.repeat(32)}`, filename: 'tea.png', content_type: 'image/png', size: 5 }];
const withMedia = notification({ data: { ...notification().data, media_count: 1, media } });
const bytes = (payload: unknown) => Buffer.byteLength(typeof payload === 'string' ? payload : JSON.stringify(payload));

describe('payloads', () => {
  it('FCM: texts only, under the names the SDK reads', () => {
    expect(fcmData(withMedia)).toEqual({
      twi_message_type: 'twilio.conversations.new_message', twi_message_id: withMedia.id, twi_body: 'Tea:Alice: hello', twi_sound: 'ding',
      conversation_sid: withMedia.data.conversation_sid, conversation_title: 'Tea', author: 'alice', message_sid: withMedia.data.message_sid, message_index: '7',
      media_count: '1', media: JSON.stringify(media),
    });
    expect(fcmData(notification({ kind: 'removed_from_conversation', sound: null, data: { conversation_sid: 'CH', conversation_title: 'T' } }))).toEqual({
      twi_message_type: 'twilio.conversations.removed_from_conversation', twi_message_id: withMedia.id, twi_body: 'Tea:Alice: hello', conversation_sid: 'CH', conversation_title: 'T',
    });
  });
  it('APNs: the alert, its sound and badge, and the rest beside them', () => {
    expect(JSON.parse(apnsPayload({ ...withMedia, badge: 0 }))).toEqual({
      aps: { alert: 'Tea:Alice: hello', sound: 'ding', badge: 0, 'thread-id': withMedia.data.conversation_sid }, twi_message_type: 'twilio.conversations.new_message',
      twi_message_id: withMedia.id, ...withMedia.data, media: JSON.stringify(media),
    });
    expect(JSON.parse(apnsPayload(notification({ sound: null }))).aps).toEqual({ alert: 'Tea:Alice: hello', 'thread-id': withMedia.data.conversation_sid });
  });
  it.each(['3.0.1', '2.7.0', '2.4.1'])('are what the official client %s parses', (version) => {
    const { Client } = createRequire(import.meta.url)(`conversations-${version}`) as { Client: any };
    const data = { conversationSid: withMedia.data.conversation_sid, conversationTitle: 'Tea', messageSid: withMedia.data.message_sid, messageIndex: 7, mediaCount: 1, media };
    const common = { body: 'Tea:Alice: hello', sound: 'ding', type: 'twilio.conversations.new_message' };
    for (const payload of [{ data: fcmData(withMedia) }, JSON.parse(webPushPayload(withMedia))])
      expect(Client.parsePushNotification(payload)).toMatchObject({ ...common, badge: null, data });
    expect(Client.parsePushNotification(JSON.parse(apnsPayload({ ...withMedia, badge: 3 })))).toMatchObject({ ...common, badge: 3, data });
  });
  it('fit: what a client can ask for is left out first, the text never', () => {
    const many = Array.from({ length: 10 }, (_, i) => ({ ...media[0]!, filename: `${'🙂'.repeat(110)}${i}` }));
    const [large, huge] = [{ ...withMedia.data, media: many }, { ...withMedia.data, media: many, author: '🙂'.repeat(700), conversation_title: '🙂'.repeat(700) }];
    for (const payload of [fcmData, apnsPayload, webPushPayload]) {
      for (const data of [large, huge]) expect(bytes(payload(notification({ text: '🙂'.repeat(178), data })))).toBeLessThanOrEqual(3_900);
    }
    expect(fcmData(notification({ data: large }))).toMatchObject({ author: 'alice', media_count: '1' });
    expect(fcmData(notification({ data: large }))).not.toHaveProperty('media');
    expect(fcmData(notification({ data: huge }))).toMatchObject({ twi_body: 'Tea:Alice: hello', conversation_sid: large.conversation_sid, message_index: '7' });
  });
});

describe('templates', () => {
  const subject: TemplateSubject = {
    conversation: { sid: 'CH1', friendlyName: 'Tea at five', uniqueName: 'tea' }, participant: { sid: 'MB1', identity: 'alice', friendlyName: 'Alice', address: null },
    message: { body: 'hello ${PARTICIPANT}', media: [{ filename: 'a.png', contentType: 'image/png' }, { filename: null, contentType: 'video/mp4' }] },
  };
  const text = (template: string, changes: Partial<TemplateSubject> = {}) => rendered(template, variablesOf({ ...subject, ...changes }));
  it.each([
    ['${PARTICIPANT}', 'Alice'], ['${PARTICIPANT_FRIENDLY_NAME}', 'Alice'], ['${PARTICIPANT_IDENTITY}', 'alice'], ['${PARTICIPANT_SID}', 'MB1'],
    ['${CONVERSATION}', 'tea'], ['${CONVERSATION_FRIENDLY_NAME}', 'Tea at five'], ['${CONVERSATION_SID}', 'CH1'], ['${CONVERSATION_UNIQUE_NAME}', 'tea'],
    ['${MESSAGE}', 'hello ${PARTICIPANT}'], ['${MEDIA_COUNT}: ${MEDIA}', '2: a.png, video/mp4'], ['${OTHER} $MESSAGE ${message}', '${OTHER} $MESSAGE ${message}'], ['$${MESSAGE', '$${MESSAGE'],
  ])('%s', (template, expected) => expect(text(template)).toBe(expected));
  it('take the next best name', () => {
    const conversation = { sid: 'CH1', friendlyName: null, uniqueName: null };
    const participant = { sid: 'MB1', identity: null, friendlyName: null, address: '+15550001' };
    expect(text('${PARTICIPANT} ${PARTICIPANT_IDENTITY} ${CONVERSATION} ${CONVERSATION_FRIENDLY_NAME} [${CONVERSATION_UNIQUE_NAME}]', { conversation, participant }))
      .toBe('+15550001 +15550001 CH1 CH1 []');
    expect(text('${CONVERSATION}|${CONVERSATION_FRIENDLY_NAME}', { conversation: { ...conversation, friendlyName: 'F' } })).toBe('F|F');
    expect(text('${CONVERSATION}|${CONVERSATION_FRIENDLY_NAME}', { conversation: { ...conversation, uniqueName: 'u' } })).toBe('u|u');
  });
  it('are cut at 178 characters, never through one', () => {
    const message = { body: '🙂'.repeat(300), media: [] };
    expect([...text('${MESSAGE}', { message })]).toHaveLength(TEXT_CHARS_MAX);
    expect(text('${MESSAGE}', { message }).isWellFormed()).toBe(true);
    expect(text('${MESSAGE}', { message: { body: 'x'.repeat(178), media: [] } })).toHaveLength(178);
  });
});
