/** `…/Conversations/{Sid}/Messages` (API reference 1.5). */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { CONVERSATION_COMMANDS } from '@parley/contracts/command-tokens';
import type { ConversationCommands, UpdateMessage } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import { createMessage, listMessages, updateMessage, type CreateMessage, type ListMessages } from '@parley/contracts/rest/messages';
import type { Paging } from '@parley/contracts/rest/paging';
import { isSid, type MessageSid } from '@parley/domain/sid';
import { families, Filters, Form, PagingOf, TheCall, type Call } from './call.js';
import { ConversationLookup, mustBeText, namedBy } from './conversation-lookup.js';
import { NotFound } from './error-answer.js';
import { Hooks } from './hooks.js';
import { listAnswer } from './list-answer.js';
import { MessageContents } from './message-content.js';
import { MessageJson } from './message-json.js';
import { messageBySid, messagesPage, type MessageRow, type MessagesPage } from './messages.sql.js';
import { readPageToken, wholeNumber } from './page-token.js';
import { Repetitions } from './repetitions.js';
import { Reads } from './reads.js';

const FIRST = -1;
const LAST = 2_147_483_647;
const indexOf = ([index]: unknown[]) => (wholeNumber(index) ? ([index] as const) : undefined);

@Controller(families('Conversations/:ConversationSid/Messages'))
export class MessagesController {
  constructor(
    @Inject(CONVERSATION_COMMANDS) private readonly commands: ConversationCommands,
    @Inject(MessageContents) private readonly contents: MessageContents,
    @Inject(Hooks) private readonly hooks: Hooks,
    @Inject(ConversationLookup) private readonly conversations: ConversationLookup,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Post()
  async create(@TheCall() call: Call, @Param('ConversationSid') conversation: string, @Form(createMessage) message: CreateMessage): Promise<string> {
    const sid = await this.conversations.sidOf(call, conversation);
    const added = await this.contents.add(call, sid, call.member ? { ...message, message: { ...message.message, author: call.member.identity } } : message);
    return new MessageJson(call, sid).ofFact(added);
  }

  @Get()
  async list(
    @TheCall() call: Call, @Param('ConversationSid') conversation: string, @Filters(listMessages) { Order }: ListMessages,
    @PagingOf(100) paging: Paging,
  ): Promise<string> {
    const descending = Order === 'desc';
    const list = descending ? 'messages-desc' : 'messages';
    const cursor = readPageToken(paging.PageToken, list, indexOf);
    const ascending = descending === (cursor?.back ?? false);
    const [found] = await this.reads.query<MessagesPage>(messagesPage(namedBy(conversation), ascending)(
      call.account.sid, call.service, mustBeText(conversation), cursor?.key[0] ?? (ascending ? FIRST : LAST), paging.PageSize + 1));
    if (!found) throw new NotFound();
    const messages = new MessageJson(call, found.sid);
    return listAnswer({
      key: 'messages', url: messages.url, filters: [['Order', Order]], list, paging, cursor, rows: found.page ?? [],
      keyOf: (row) => [row[1]] as const, json: (row) => messages.ofRow(row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('Sid') message: string): Promise<string> {
    const { sid, row } = await this.find(call, conversation, message);
    return new MessageJson(call, sid).ofRow(row);
  }

  @Post(':Sid')
  @HttpCode(200)
  async update(
    @TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('Sid') message: string,
    @Form(updateMessage) changes: UpdateMessage,
  ): Promise<string> {
    const sid = await this.conversations.sidOf(call, conversation);
    const { row } = await this.find(call, sid, message);
    if (changes.body !== undefined && row[6] !== null) throw new ApiError(50509);
    if (Object.keys(changes).length > 0)
      await this.commands.updateMessage(call.caller, sid, message as MessageSid, await this.hooks.messageUpdate(call, sid, message, changes));
    return this.fetch(call, sid, message);
  }

  @Delete(':Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('Sid') message: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      const sid = await this.conversations.sidOf(call, conversation);
      if (!isSid(message, 'IM')) throw new NotFound();
      await this.hooks.messageRemove(call, sid, message);
      await this.commands.deleteMessage(call.caller, sid, message);
    });
  }

  private async find(call: Call, conversation: string, message: string): Promise<{ sid: string; row: MessageRow }> {
    if (!isSid(message, 'IM')) throw new NotFound();
    const query = messageBySid(namedBy(conversation))(call.account.sid, call.service, mustBeText(conversation), message);
    const [found] = await this.reads.query<MessagesPage>(query);
    const row = found?.page?.[0];
    if (!row) throw new NotFound();
    return { sid: found.sid, row };
  }
}
