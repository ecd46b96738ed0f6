/** Webhooks as Meta writes and signs them, for tests (written from the documented facts: channel facts, 2.4 to 2.6). */
import { createHmac } from 'node:crypto';

export type Person = { phone?: string; userId: string; name?: string; username?: string };
export type CloudNumber = { id: string; number: string };

export const signed = (appSecret: string, body: string) => ({
  'content-type': 'application/json', 'x-hub-signature-256': `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`,
});

/** Meta escapes what is not ASCII, and slashes: the signature is over that. */
export const written = (payload: object): string =>
  JSON.stringify(payload).replaceAll('/', String.raw`\/`).replaceAll(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

export const payload = (number: CloudNumber, value: object, field = 'messages') => ({
  object: 'whatsapp_business_account',
  entry: [{ id: '200000000000002', time: 1795348790, changes: [{ field, value: {
    messaging_product: 'whatsapp', metadata: { display_phone_number: number.number.slice(1), phone_number_id: number.id }, ...value,
  } }] }],
});

/** `message` has what is particular: type, its content, context. */
export const messageValue = ({ phone, userId, name = 'Ana', username }: Person, id: string, message: object, at = Date.now()) => ({
  contacts: [{ profile: { name, ...(username && { username }) }, ...(phone && { wa_id: phone.slice(1) }), user_id: userId }],
  messages: [{ ...(phone && { from: phone.slice(1) }), from_user_id: userId, id, timestamp: String(Math.floor(at / 1000)), ...message }],
});

export const statusValue = (id: string, status: string, { reference, recipient, code, extra }: { reference?: string; recipient?: Person; code?: number; extra?: object } = {}) => ({
  statuses: [{
    id, status, timestamp: String(Math.floor(Date.now() / 1000)), ...(recipient?.phone && { recipient_id: recipient.phone.slice(1) }),
    ...(recipient && { recipient_user_id: recipient.userId }), ...(reference !== undefined && { biz_opaque_callback_data: reference }),
    ...(code !== undefined && { errors: [{ code, title: 'x', message: 'x', error_data: { details: 'played' } }] }), ...extra,
  }],
});
