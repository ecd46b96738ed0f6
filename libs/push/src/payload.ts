/**
 * A notification in the form of each platform. Names are those the official client SDKs read (`Client.parsePushNotification`):
 * `twi_message_type`, `twi_body`, `twi_sound` and the fields of `data`. What does not fit is left out, the text last.
 */
import type { PushData, PushNotification } from './push-provider.js';

/** APNs and FCM take 4,096 bytes; Web Push 4,096 of ciphertext, 103 of which are its frame. */
const PAYLOAD_BYTES_MAX = 3_900;
/** What a client can ask the API for goes first. */
const dispensable: readonly (keyof PushData)[] = ['media', 'author', 'conversation_title'];

const typeOf = ({ kind }: PushNotification) => `twilio.conversations.${kind}`;

/** FCM's `data`: texts only. */
export const fcmData = (notification: PushNotification): Record<string, string> => fitted(notification, (data) => dataTexts(notification, data));

/** What a service worker gets: as FCM delivers it, so that the same code reads both. */
export const webPushPayload = (notification: PushNotification): string =>
  JSON.stringify(fitted(notification, (data) => ({ data: dataTexts(notification, data) })));

export const apnsPayload = (notification: PushNotification): string => {
  const { text, sound, badge, id } = notification;
  return JSON.stringify(fitted(notification, (data) => ({
    aps: { alert: text, ...(sound !== null && { sound }), ...(badge !== undefined && { badge }), 'thread-id': data.conversation_sid },
    twi_message_type: typeOf(notification), twi_message_id: id, ...data, ...(data.media && { media: JSON.stringify(data.media) }),
  })));
};

function dataTexts(notification: PushNotification, { media, ...data }: PushData): Record<string, string> {
  const { text, sound, id } = notification;
  const texts = Object.entries(data).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]);
  return {
    twi_message_type: typeOf(notification), twi_message_id: id, twi_body: text, ...(sound !== null && { twi_sound: sound }),
    ...Object.fromEntries(texts), ...(media && { media: JSON.stringify(media) }),
  };
}

function fitted<T extends object>({ data: whole }: PushNotification, form: (data: PushData) => T): T {
  const data = { ...whole };
  for (const name of dispensable) {
    const payload = form(data);
    if (Buffer.byteLength(JSON.stringify(payload)) <= PAYLOAD_BYTES_MAX) return payload;
    delete data[name];
  }
  return form(data);
}
