/** The carrier's side of the webhooks, as Twilio does it: a form, signed over the address and the sorted fields. */
import { createHmac, randomUUID } from 'node:crypto';
import type { Answer, Caller, Fields } from './caller.js';
import type { Handset } from './handset.js';

/** A SID nobody has. */
export const anySid = (kind: string): string => kind + randomUUID().replaceAll('-', '');

/** What is reported about a message to this handset. */
export const report = ({ address, proxy }: Handset, MessageSid: string, MessageStatus: string): Fields =>
  ({ MessageSid, MessageStatus, From: proxy, To: address });

/** What this handset writes. */
export const text = ({ address, proxy }: Handset, Body: string): Fields =>
  ({ MessageSid: anySid('SM'), From: address, To: proxy, Body, NumMedia: '0' });

export type Forgery = { token?: string; url?: string; signature?: string };

/** `path` below `/webhooks`. Of the caller's account and with its token, unless the fields and the forgery say otherwise. */
export function webhook(caller: Caller, path: string, fields: Fields, forgery: Forgery = {}): Promise<Answer> {
  const { credentials, places } = caller;
  const { token = credentials.authToken, url = places.webhookUrl + path } = forgery;
  const form = { AccountSid: credentials.accountSid, ...fields };
  const signed = url + Object.entries(form).sort(([a], [b]) => (a < b ? -1 : 1)).flat().join('');
  const { signature = createHmac('sha1', token).update(signed).digest('base64') } = forgery;
  return caller.call('POST', places.webhookUrl + path, form, { 'X-Twilio-Signature': signature });
}
