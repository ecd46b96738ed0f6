/** `…/Users/{Sid}/Conversations` (API reference 1.19 and 3.7): what a user is in, how far he read, whether he is told of news. */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { PARTICIPANT_COMMANDS, REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { ParticipantCommands, RegistryCommands, UpdateParticipant } from '@parley/contracts/commands';
import type { Paging } from '@parley/contracts/rest/paging';
import { updateUserConversation, type UpdateUserConversation } from '@parley/contracts/rest/users';
import type { ConversationSid, ParticipantSid } from '@parley/domain/sid';
import { families, Form, PagingOf, TheCall, type Call } from './call.js';
import { timersJson } from './conversation-json.js';
import { mustBeText, namedBy } from './conversation-lookup.js';
import { NotFound } from './error-answer.js';
import { Hooks } from './hooks.js';
import { text, textOrNull, time } from './json-text.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { Reads } from './reads.js';
import { Repetitions } from './repetitions.js';
import { UserLookup } from './user-lookup.js';
import { userConversationBy, userConversationsPage, type UserConversationRow, type UserRow } from './users.sql.js';

@Controller(families('Users/:UserSid/Conversations'))
export class UserConversationsController {
  constructor(
    @Inject(PARTICIPANT_COMMANDS) private readonly participants: ParticipantCommands,
    @Inject(REGISTRY_COMMANDS) private readonly registry: RegistryCommands,
    @Inject(Hooks) private readonly hooks: Hooks,
    @Inject(UserLookup) private readonly users: UserLookup,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Get()
  async list(@TheCall() call: Call, @Param('UserSid') user: string, @PagingOf(50) paging: Paging): Promise<string> {
    const { sid, identity } = await this.users.find(call, user);
    const cursor = readPageToken(paging.PageToken, 'user-conversations', ([at]) => (sidOfKind(at, 'CH') ? ([at] as const) : undefined));
    const rows = await this.reads.query<UserConversationRow>(userConversationsPage(cursor?.back ?? false)(
      call.account.sid, call.service, identity, cursor?.key[0] ?? '', paging.PageSize + 1));
    return listAnswer({
      key: 'conversations', url: `${call.base}/Users/${sid}/Conversations`, list: 'user-conversations', paging, cursor, rows,
      keyOf: (row) => [row.sid] as const, json: (row) => userConversationJson(call, sid, row),
    });
  }

  @Get(':ConversationSid')
  async fetch(@TheCall() call: Call, @Param('UserSid') user: string, @Param('ConversationSid') conversation: string): Promise<string> {
    const found = await this.find(call, user, conversation);
    return userConversationJson(call, found.user.sid, found.row);
  }

  @Post(':ConversationSid')
  @HttpCode(200)
  async update(
    @TheCall() call: Call, @Param('UserSid') user: string, @Param('ConversationSid') conversation: string,
    @Form(updateUserConversation) { notificationLevel, horizon: asked }: UpdateUserConversation,
  ): Promise<string> {
    const { user: { sid: userSid }, row } = await this.find(call, user, conversation);
    const { sid, participant_sid } = row;
    const horizon = call.member ? movedByMember(asked, row.last_read_message_index) : asked;
    const both = Object.keys(horizon).length > 0 && notificationLevel !== undefined;
    if (Object.keys(horizon).length > 0) {
      await this.hooks.participantUpdate(call, sid, participant_sid, horizon);
      await this.participants.updateParticipant(call.caller, sid as ConversationSid, participant_sid as ParticipantSid, horizon);
    }
    if (notificationLevel !== undefined) {
      const at = new Date().toISOString();
      const row = { sid: participant_sid, user_sid: userSid, conversation_sid: sid, created_at: at, updated_at: at };
      const { key } = call.caller;
      const caller = both && key !== undefined ? { ...call.caller, key: `${key}/level` } : call.caller;
      await this.registry.createOrUpdate(caller, 'UserConversation',
        { ...row, notification_level: notificationLevel }, { notification_level: notificationLevel });
    }
    return this.fetch(call, userSid, sid);
  }

  /** The user leaves. */
  @Delete(':ConversationSid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('UserSid') user: string, @Param('ConversationSid') conversation: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      const { row: { sid, participant_sid } } = await this.find(call, user, conversation);
      await this.hooks.participantRemove(call, sid, participant_sid);
      await this.participants.removeParticipant(call.caller, sid as ConversationSid, participant_sid as ParticipantSid);
    });
  }

  private async find(call: Call, userSegment: string, conversation: string): Promise<{ user: UserRow; row: UserConversationRow }> {
    const user = await this.users.find(call, userSegment);
    const [row] = await this.reads.query<UserConversationRow>(userConversationBy(namedBy(conversation))(
      call.account.sid, call.service, user.identity, mustBeText(conversation)));
    if (!row) throw new NotFound();
    return { user, row };
  }
}

function userConversationJson({ base }: Call, userSid: string, c: UserConversationRow): string {
  const conversation = `${base}/Conversations/${c.sid}`;
  return `{"account_sid":"${c.account}","chat_service_sid":"${c.chat_service_sid}","conversation_sid":"${c.sid
  }","unread_messages_count":${c.unread},"last_read_message_index":${c.last_read_message_index},"participant_sid":"${c.participant_sid
  }","user_sid":"${userSid}","friendly_name":${textOrNull(c.friendly_name)},"conversation_state":"${c.state}","timers":${timersJson(c)
  },"attributes":${text(c.attributes)},"date_created":${time(c.created_at)},"date_updated":${time(c.updated_at)},"created_by":${
    text(c.created_by ?? 'system')},"notification_level":"${c.notification_level}","unique_name":${textOrNull(c.unique_name)},"url":"${
    base}/Users/${userSid}/Conversations/${c.sid}","links":{"participant":"${conversation}/Participants/${c.participant_sid
  }","conversation":"${conversation}"}}`;
}

/**
 * What is left to write of a horizon that a member asks for. As far as before: nothing, not even an event, because applications
 * set it again at each event they hear. Moved, it is dated, as the original's client SDK shows it.
 */
function movedByMember(asked: UpdateParticipant, before: number | null): UpdateParticipant {
  const { lastReadMessageIndex: index, lastReadTimestamp } = asked;
  if (index === undefined || lastReadTimestamp !== undefined) return asked;
  if (index === before) return {};
  return index === null ? asked : { ...asked, lastReadTimestamp: new Date().toISOString() };
}
