/** The Conversation resource (API reference 1.4). */
import { durationMillis } from '@parley/domain/conversation/timers';
import type { Call } from './call.js';
import type { ConversationRow } from './conversations.sql.js';
import { plainOrNull, text, textOrNull, time } from './json-text.js';

export const conversationJson = (call: Call, c: ConversationRow): string => json(call, c, `,"export":"${call.base}/Conversations/${c.sid}/Export"`);

/** The same without its link to an export (1.9). */
export const conversationWithParticipantsJson = (call: Call, c: ConversationRow): string => json(call, c, '');

function json({ base }: Call, c: ConversationRow, exportLink: string): string {
  const url = `${base}/Conversations/${c.sid}`;
  return `{"sid":"${c.sid}","account_sid":"${c.account}","chat_service_sid":"${c.chat_service_sid}","messaging_service_sid":${
    plainOrNull(c.messaging_service_sid)},"friendly_name":${textOrNull(c.friendly_name)},"unique_name":${textOrNull(c.unique_name)
  },"attributes":${text(c.attributes)},"date_created":${time(c.created_at)},"date_updated":${time(c.updated_at)},"state":"${
    c.state}","timers":${timersJson(c)},"bindings":${bindingsJson(c)},"url":"${url}","links":{"participants":"${
    url}/Participants","messages":"${url}/Messages","webhooks":"${url}/Webhooks"${exportLink}}}`;
}

/** The year 9999 ends here, and with it what ISO 8601 writes without a sign: imported dates reach that far. */
const LATEST_MILLIS = 253_402_300_799_999;

/** Deadlines, never durations, counted from the last activity or from when they were set; a closed conversation waits for nothing. */
export function timersJson({ state, timer_inactive, timer_closed, last_activity_at, timers_from }: ConversationRow): string {
  if (state === 'closed' || (timer_inactive === null && timer_closed === null)) return '{}';
  const from = Math.max(Date.parse(last_activity_at), timers_from === null ? 0 : Date.parse(timers_from));
  const at = (timer: string) => new Date(Math.min(from + (durationMillis(timer) ?? 0), LATEST_MILLIS)).toISOString();
  const inactive = timer_inactive === null ? '' : `"date_inactive":${time(at(timer_inactive))}`;
  const closed = timer_closed === null ? '' : `"date_closed":${time(at(timer_closed))}`;
  return `{${inactive}${inactive && closed ? ',' : ''}${closed}}`;
}

function bindingsJson({ email_address, email_name }: ConversationRow): string {
  if (email_address === null && email_name === null) return '{}';
  return `{"email":{"projected_address":${textOrNull(email_address)},"name":${textOrNull(email_name)}}}`;
}
