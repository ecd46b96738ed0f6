/** `…/Conversations` (API reference 1.4). */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { CONVERSATION_COMMANDS } from '@parley/contracts/command-tokens';
import type { ConversationCommands, CreateConversation, UpdateConversation } from '@parley/contracts/commands';
import { createConversation, listConversations, updateConversation, type ListConversations } from '@parley/contracts/rest/conversations';
import type { Paging } from '@parley/contracts/rest/paging';
import type { ServiceSid } from '@parley/domain/sid';
import { isoTime } from '@parley/event-store/database';
import { families, Filters, Form, PagingOf, TheCall, type Call } from './call.js';
import { conversationJson } from './conversation-json.js';
import { ConversationLookup, mustBeText, namedBy } from './conversation-lookup.js';
import { conversationBy, conversationsPage, type ConversationRow } from './conversations.sql.js';
import { NotFound } from './error-answer.js';
import { Hooks } from './hooks.js';
import { listAnswer } from './list-answer.js';
import { millisOf, readPageToken, sidOfKind } from './page-token.js';
import { Repetitions } from './repetitions.js';
import { Reads } from './reads.js';
import { ServiceLookup } from './service-lookup.js';

const EARLIEST = '0001-01-01T00:00:00Z';
const LATEST = '9999-12-31T23:59:59.999Z';
const keyIn = ([at, sid]: unknown[]) => (millisOf(at) && sidOfKind(sid, 'CH') ? ([at, sid] as const) : undefined);

@Controller(families('Conversations'))
export class ConversationsController {
  constructor(
    @Inject(CONVERSATION_COMMANDS) private readonly commands: ConversationCommands,
    @Inject(Hooks) private readonly hooks: Hooks,
    @Inject(ConversationLookup) private readonly conversations: ConversationLookup,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Post()
  async create(@TheCall() call: Call, @Form(createConversation) data: Omit<CreateConversation, 'chatServiceSid'>): Promise<string> {
    await this.services.mustExist(call);
    const creator = call.member && await this.services.creator(call, call.member.identity);
    const asked = await this.hooks.conversationAdd(call, data);
    const created = await this.commands.createConversation(call.caller, { ...asked, ...creator, chatServiceSid: call.service as ServiceSid });
    return this.fetch(call, created.conversationSid);
  }

  @Get()
  async list(
    @TheCall() call: Call, @Filters(listConversations) { StartDate, EndDate, State }: ListConversations, @PagingOf(100) paging: Paging,
  ): Promise<string> {
    await this.services.mustExist(call);
    const order = StartDate || EndDate ? 'created_at' : 'last_activity_at';
    const cursor = readPageToken(paging.PageToken, order, keyIn);
    const back = cursor?.back ?? false;
    const [earliest, latest] = [StartDate?.at ?? EARLIEST, EndDate?.at ?? LATEST];
    // A token may come with other dates than the list it was made for.
    const outside = cursor && (back ? cursor.key[0] < Date.parse(earliest) : cursor.key[0] > Date.parse(latest));
    const [from, sid] = cursor && !outside ? [new Date(cursor.key[0]).toISOString(), cursor.key[1]] : back ? [earliest, 'CG'] : [latest, 'CI'];
    const rows = await this.reads.query<ConversationRow>(conversationsPage(order, back, State)(
      call.account.sid, call.service, from, sid, back ? latest : earliest, paging.PageSize + 1));
    return listAnswer({
      key: 'conversations', url: `${call.base}/Conversations`, list: order, paging, cursor, rows,
      filters: [['StartDate', StartDate?.given], ['EndDate', EndDate?.given], ['State', State]],
      keyOf: (row) => [Date.parse(isoTime(row[order])), row.sid] as const, json: (row) => conversationJson(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') conversation: string): Promise<string> {
    const query = conversationBy(namedBy(conversation))(call.account.sid, call.service, mustBeText(conversation));
    const [row] = await this.reads.query<ConversationRow>(query);
    if (!row) throw new NotFound();
    return conversationJson(call, row);
  }

  @Post(':Sid')
  @HttpCode(200)
  async update(@TheCall() call: Call, @Param('Sid') conversation: string, @Form(updateConversation) changes: UpdateConversation): Promise<string> {
    const sid = await this.repetitions.orFind(call, () => this.conversations.sidOf(call, conversation));
    if (Object.keys(changes).length > 0)
      await this.commands.updateConversation(call.caller, sid, await this.hooks.conversationUpdate(call, sid, changes));
    return this.fetch(call, sid);
  }

  @Delete(':Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('Sid') conversation: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      const sid = await this.conversations.sidOf(call, conversation);
      await this.hooks.conversationRemove(call, sid);
      await this.commands.deleteConversation(call.caller, sid);
    });
  }
}
