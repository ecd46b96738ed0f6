/** The first thing the SDK asks for: who it is, where everything else is. */
import type { ClientSession } from './client-session.js';
import { infoName, mineName } from './sync-names.js';

export type ClientLinks = { base: string; conversations: string; users: string; typing: string };

/**
 * All but media are reached through the socket, so these addresses need not lead anywhere; they are the public ones so that
 * a log of them tells where they come from. `publicUrl`: how the outside reaches us.
 */
export function clientLinks(publicUrl: string): ClientLinks {
  const base = `${new URL(publicUrl).origin}/Client/v2`;
  return { base, conversations: `${base}/Conversations`, users: `${base}/Users`, typing: `${new URL(publicUrl).origin}/v1/typing` };
}

export function configurationOf({ principal, mine, reachable }: ClientSession, { base, conversations, users, typing }: ClientLinks, publicUrl: string): object {
  const service = `${publicUrl}/v1/Services/${principal!.service}`;
  return {
    identity: principal!.identity, url: `${base}/Configuration`,
    options: {
      consumption_report_interval: 'PT5S', user_infos_to_subscribe: 100, reachability_enabled: reachable, http_cache_interval: 'PT5S', my_conversations_page_size: 50,
      media_attachments_count_limit: 10, media_attachment_size_limit_in_mb: 150, media_attachments_total_size_limit_in_mb: 150,
      email_histories_allowed_mime_types: ['text/plain'], email_bodies_allowed_mime_types: ['text/plain', 'text/html'],
    },
    sync_objects: { my_conversations: mineName(mine!), my_user_info: infoName(mine!) },
    links: {
      my_conversations: `${users}/${mine}/Conversations`, conversations, users, current_user: `${users}/${mine}`, typing,
      media_service: `${service}/Media`, media_set_service: `${service}/MediaSet`, messages_receipts: `${conversations}/%s/Messages/%s/Receipts`,
    },
  };
}
