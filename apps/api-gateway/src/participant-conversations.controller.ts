/** `…/ParticipantConversations` (API reference 1.10): which conversations an identity or an address is in. */
import { Controller, Get, Inject } from '@nestjs/common';
import type { Paging } from '@parley/contracts/rest/paging';
import { listParticipantConversations, type ListParticipantConversations } from '@parley/contracts/rest/users';
import { families, Filters, PagingOf, TheCall, type Call } from './call.js';
import { timersJson } from './conversation-json.js';
import { plainOrNull, text, textOrNull, time } from './json-text.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { Reads } from './reads.js';
import { ServiceLookup } from './service-lookup.js';
import { participantConversationsPage, type ParticipantConversationRow } from './users.sql.js';

const keyIn = ([conversation, participant]: unknown[]) =>
  (sidOfKind(conversation, 'CH') && sidOfKind(participant, 'MB') ? ([conversation, participant] as const) : undefined);

@Controller(families('ParticipantConversations'))
export class ParticipantConversationsController {
  constructor(
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Get()
  async list(
    @TheCall() call: Call, @Filters(listParticipantConversations) { Identity, Address }: ListParticipantConversations, @PagingOf(50) paging: Paging,
  ): Promise<string> {
    await this.services.mustExist(call);
    const [column, value] = Identity === undefined ? (['address', Address!] as const) : (['identity', Identity] as const);
    const list = `participant-conversations-${column}`;
    const cursor = readPageToken(paging.PageToken, list, keyIn);
    const [conversation, participant] = cursor?.key ?? ['', ''];
    const rows = await this.reads.query<ParticipantConversationRow>(participantConversationsPage(column, cursor?.back ?? false)(
      call.account.sid, call.service, value, conversation, participant, paging.PageSize + 1));
    return listAnswer({
      key: 'conversations', url: `${call.base}/ParticipantConversations`, list, paging, cursor, rows,
      filters: [['Identity', Identity], ['Address', Address]],
      keyOf: (row) => [row.sid, row.participant_sid] as const, json: (row) => participantConversationJson(call, row),
    });
  }
}

function participantConversationJson({ base }: Call, c: ParticipantConversationRow): string {
  const conversation = `${base}/Conversations/${c.sid}`;
  const binding = c.type === null ? 'null'
    : `{"address":${textOrNull(c.address)},"proxy_address":${textOrNull(c.proxy_address)},"type":"${c.type}","level":null,"name":null,"projected_address":${textOrNull(c.projected_address)}}`;
  return `{"account_sid":"${c.account}","chat_service_sid":"${c.chat_service_sid}","participant_sid":"${c.participant_sid
  }","participant_user_sid":${plainOrNull(c.user_sid)},"participant_identity":${textOrNull(c.identity)},"participant_messaging_binding":${
    binding},"conversation_sid":"${c.sid}","conversation_unique_name":${textOrNull(c.unique_name)},"conversation_friendly_name":${
    textOrNull(c.friendly_name)},"conversation_attributes":${text(c.attributes)},"conversation_date_created":${time(c.created_at)
  },"conversation_date_updated":${time(c.updated_at)},"conversation_created_by":${text(c.created_by ?? 'system')},"conversation_state":"${
    c.state}","conversation_timers":${timersJson(c)},"links":{"participant":"${conversation}/Participants/${c.participant_sid
  }","conversation":"${conversation}"}}`;
}
