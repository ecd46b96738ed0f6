/** The Participant resource (API reference 1.7). */
import type { Call } from './call.js';
import { plainOrNull, text, textOrNull, time } from './json-text.js';
import type { ParticipantRow } from './participants.sql.js';

export function participantJson({ account, base, ofService, service }: Call, conversationSid: string, p: ParticipantRow): string {
  const binding = p.type === null ? 'null' : `{"type":"${p.type}",${p.projected_address !== null ? `"projected_address":${text(p.projected_address)}`
    : `"address":${text(p.address!)}${p.proxy_address === null ? '' : `,"proxy_address":${text(p.proxy_address)}`}`}}`;
  return `{"account_sid":"${account.sid}",${ofService ? `"chat_service_sid":"${service}",` : ''}"conversation_sid":"${conversationSid
  }","sid":"${p.sid}","identity":${textOrNull(p.identity)},"attributes":${text(p.attributes)},"messaging_binding":${binding
  },"role_sid":${plainOrNull(p.role_sid)},"date_created":${time(p.created_at)},"date_updated":${time(p.updated_at)},"url":"${
    base}/Conversations/${conversationSid}/Participants/${p.sid}","last_read_message_index":${p.last_read_message_index
  },"last_read_timestamp":${p.last_read_timestamp === null ? 'null' : time(p.last_read_timestamp)}}`;
}
