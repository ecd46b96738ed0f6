/**
 * The parameters of webhook events (API reference 4.4), from rows as the read models have them; a fact is laid over its row
 * first, so that an event tells what it is about even when the row has moved on. What is null is absent (4.3).
 */
import type { GroupBinding, Media } from '@parley/domain/conversation/events';
import type { WebhookMark } from '@parley/domain/webhook-mark';
import { isoTime } from '@parley/event-store/database';

export type Parameters = Record<string, string>;
type Value = string | number | boolean | null | undefined;

export type ConversationFields = {
  sid?: string; chat_service_sid?: string | null; messaging_service_sid?: string | null; friendly_name?: string | null;
  unique_name?: string | null; attributes?: string; state?: string; created_at?: string; updated_at?: string;
};
export type MessageFields = {
  sid?: string; index?: number; author?: string; participant_sid?: string | null; body?: string | null; attributes?: string;
  /** JSON, as the read model has it. */
  media?: string | null; source?: string | null; created_at?: string; updated_at?: string;
};
export type ParticipantFields = {
  sid?: string; identity?: string | null; type?: string | null; address?: string | null; proxy_address?: string | null; projected_address?: string | null; attributes?: string;
  role_sid?: string | null; last_read_message_index?: number | null; created_at?: string; updated_at?: string;
};
export type UserFields = {
  sid?: string; chat_service_sid?: string; identity?: string; role_sid?: string; attributes?: string; friendly_name?: string | null;
  created_at?: string; updated_at?: string;
};

/** As text that is valid Unicode, or Postgres would not take the job; what is null or undefined is left out. */
export function present(fields: Record<string, Value>): Parameters {
  const parameters: Parameters = {};
  for (const [name, value] of Object.entries(fields)) if (value !== null && value !== undefined) parameters[name] = String(value).toWellFormed();
  return parameters;
}

/** ISO 8601 with milliseconds, from a fact or from Postgres. */
export const date = (at: string | undefined): string | undefined => (at?.includes('T') ? new Date(at).toISOString() : at && isoTime(at));

/** Of every event. */
export const common = (event: string, account: string, { source, identity }: Partial<WebhookMark>): Parameters =>
  present({ EventType: event, AccountSid: account, Source: source, ClientIdentity: identity });

export const conversationParameters = (c: ConversationFields): Parameters => present({
  ConversationSid: c.sid, DateCreated: date(c.created_at), DateUpdated: date(c.updated_at), FriendlyName: c.friendly_name,
  UniqueName: c.unique_name, Attributes: c.attributes, ChatServiceSid: c.chat_service_sid, MessagingServiceSid: c.messaging_service_sid,
  State: c.state,
});

export const openingParameters = ({ address, proxyAddress, authorAddress, body }: NonNullable<WebhookMark['opening']>): Parameters => present({
  'MessagingBinding.ProxyAddress': proxyAddress, 'MessagingBinding.Address': address, 'MessagingBinding.AuthorAddress': authorAddress, MessageBody: body,
});

export const messageParameters = (m: MessageFields, c: ConversationFields): Parameters => present({
  ConversationSid: c.sid, ChatServiceSid: c.chat_service_sid, MessageSid: m.sid, Index: m.index, DateCreated: date(m.created_at),
  DateUpdated: date(m.updated_at), Body: m.body, Author: m.author, ParticipantSid: m.participant_sid, Attributes: m.attributes,
  Media: m.media ? mediaJson(JSON.parse(m.media) as Media[]) : null,
});

export const mediaJson = (media: readonly Media[]): string =>
  JSON.stringify(media.map(({ sid, filename, contentType, size }) => ({ Sid: sid, Filename: filename, ContentType: contentType, Size: size })));

export const participantParameters = (p: ParticipantFields, c: ConversationFields): Parameters => present({
  ConversationSid: c.sid, ChatServiceSid: c.chat_service_sid, ParticipantSid: p.sid, DateCreated: date(p.created_at),
  DateUpdated: date(p.updated_at), Identity: p.identity, RoleSid: p.role_sid, Attributes: p.attributes,
  'MessagingBinding.ProxyAddress': p.proxy_address, 'MessagingBinding.Address': p.address,
  'MessagingBinding.ProjectedAddress': p.projected_address,
  'MessagingBinding.Type': (p.type ?? (p.identity ? 'chat' : null))?.toUpperCase(),
});

export const groupFields = (group: GroupBinding): ParticipantFields =>
  ({ type: 'sms', ...('address' in group ? { address: group.address } : { projected_address: group.projectedAddress }) });

export const userParameters = (u: UserFields): Parameters => present({
  ChatServiceSid: u.chat_service_sid, UserSid: u.sid, DateCreated: date(u.created_at), DateUpdated: date(u.updated_at), Identity: u.identity,
  RoleSid: u.role_sid, Attributes: u.attributes, FriendlyName: u.friendly_name,
});
