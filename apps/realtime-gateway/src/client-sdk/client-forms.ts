/** The SDK's JSON bodies as the forms of the public REST API. What a body does not name is not in the form. */
import { TunnelRefusal } from './tunnel-request.js';

type Json = Readonly<Record<string, unknown>>;

/** Names of body and form; null clears. */
function form(body: Json, names: Readonly<Record<string, string>>): URLSearchParams {
  const fields = new URLSearchParams();
  for (const [name, field] of Object.entries(names)) {
    const value = body[name];
    if (value === undefined) continue;
    fields.set(field, textOf(value));
  }
  return fields;
}

function textOf(value: unknown): string {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  try {
    return JSON.stringify(value);
  } catch { // deeper than the stack
    throw new TunnelRefusal(400, 20001, 'The body is nested too deep');
  }
}
/** "" and null are no attributes. */
const attributes = (body: Json): Json => (body['attributes'] === null || body['attributes'] === '' ? { ...body, attributes: '{}' } : body);

export const conversationForm = (body: Json): URLSearchParams =>
  form(attributes(body), { friendly_name: 'FriendlyName', unique_name: 'UniqueName', attributes: 'Attributes' });

export function messageForm(body: Json): URLSearchParams {
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  const fields = form(attributes(given), { body: 'Body', attributes: 'Attributes', subject: 'Subject', content_sid: 'ContentSid', content_variables: 'ContentVariables' });
  const media = body['media_sids'];
  if (Array.isArray(media) && media.length > 0) fields.set('MediaSid', media.map(textOf).join(','));
  return fields;
}

export function participantForm(body: Json): URLSearchParams {
  const fields = form(attributes(body), { identity: 'Identity', attributes: 'Attributes' });
  const binding = body['messaging_binding'];
  if (typeof binding === 'object' && binding !== null) {
    const { address, proxy_address, projected_address } = binding as Json;
    if (address !== undefined) fields.set('MessagingBinding.Address', textOf(address));
    if (projected_address !== undefined) fields.set('MessagingBinding.ProjectedAddress', textOf(projected_address));
    if (proxy_address !== undefined) fields.set('MessagingBinding.ProxyAddress', textOf(proxy_address));
  }
  return fields;
}

export const userForm = (body: Json): URLSearchParams => form(attributes(body), { friendly_name: 'FriendlyName', attributes: 'Attributes' });

export const userConversationForm = (body: Json): URLSearchParams =>
  form(body, { last_read_message_index: 'LastReadMessageIndex', notification_level: 'NotificationLevel' });
