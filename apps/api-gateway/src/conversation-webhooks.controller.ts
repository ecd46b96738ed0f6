/** `…/Conversations/{Sid}/Webhooks` (API reference 1.8). */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { RegistryCommands } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import type { Paging } from '@parley/contracts/rest/paging';
import {
  createConversationWebhook, scopedFault, updateConversationWebhook, type CreateConversationWebhook, type ScopedSettings, type ScopedTarget,
} from '@parley/contracts/rest/webhooks';
import { DomainError } from '@parley/domain/domain-error';
import { isSid, newSid } from '@parley/domain/sid';
import { derivedSid } from '@parley/event-store/derived-sid';
import { families, Form, PagingOf, TheCall, type Call } from './call.js';
import { ConversationLookup } from './conversation-lookup.js';
import { NotFound } from './error-answer.js';
import { time } from './json-text.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { prepared, Reads } from './reads.js';
import { Repetitions } from './repetitions.js';
import { WebhookTargets } from './webhook-targets.js';

type Row = {
  sid: string; conversation_sid: string; target: ScopedTarget; url: string | null; method: string | null; filters: string[] | null;
  triggers: string[] | null; flow_sid: string | null; replay_after: number | null; created_at: string; updated_at: string;
};

const select = 'select * from model.conversation_webhook where account = $1 and conversation_sid = $2 and';
const page = (after: '>' | '<') =>
  prepared(`conversation-webhooks${after}`, `${select} sid ${after} $3 order by sid ${after === '>' ? 'asc' : 'desc'} limit $4`);
const forward = page('>');
const backward = page('<');
const one = prepared('conversation-webhook', `${select} sid = $3`);

@Controller(families('Conversations/:ConversationSid/Webhooks'))
export class ConversationWebhooksController {
  constructor(
    @Inject(REGISTRY_COMMANDS) private readonly commands: RegistryCommands,
    @Inject(ConversationLookup) private readonly conversations: ConversationLookup,
    @Inject(WebhookTargets) private readonly targets: WebhookTargets,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Post()
  async create(
    @TheCall() call: Call, @Param('ConversationSid') conversation: string, @Form(createConversationWebhook) settings: CreateConversationWebhook,
  ): Promise<string> {
    const conversationSid = await this.conversations.openSidOf(call, conversation);
    this.targets.mustBeAllowed(settings.url);
    const { caller } = call;
    const sid = caller.key === undefined ? newSid('WH') : derivedSid('WH', caller.account, caller.key);
    const at = new Date().toISOString();
    const method = settings.target === 'studio' ? null : (settings.method ?? 'post');
    await this.commands.create(
      caller, 'ConversationWebhook', { ...settings, method, sid, conversation_sid: conversationSid, created_at: at, updated_at: at },
    ).catch(tooMany);
    return webhookJson(call, await this.find(call, conversationSid, sid));
  }

  @Get()
  async list(@TheCall() call: Call, @Param('ConversationSid') conversation: string, @PagingOf(5) paging: Paging): Promise<string> {
    const conversationSid = await this.conversations.livingSidOf(call, conversation);
    const cursor = readPageToken(paging.PageToken, 'webhooks', ([sid]) => (sidOfKind(sid, 'WH') ? ([sid] as const) : undefined));
    const query = cursor?.back ? backward : forward;
    const rows = await this.reads.query<Row>(query(call.account.sid, conversationSid, cursor?.key[0] ?? '', paging.PageSize + 1));
    return listAnswer({
      key: 'webhooks', url: `${call.base}/Conversations/${conversationSid}/Webhooks`, list: 'webhooks', paging, cursor, rows,
      keyOf: ({ sid }) => [sid] as const, json: (row) => webhookJson(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('Sid') webhook: string): Promise<string> {
    return webhookJson(call, await this.find(call, await this.conversations.sidOf(call, conversation), webhook));
  }

  @Post(':Sid')
  @HttpCode(200)
  async update(
    @TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('Sid') webhook: string,
    @Form(updateConversationWebhook) changes: ScopedSettings,
  ): Promise<string> {
    const row = await this.find(call, await this.conversations.openSidOf(call, conversation), webhook);
    const code = scopedFault(row.target, { ...row, ...changes });
    if (code !== undefined) throw new ApiError(code);
    this.targets.mustBeAllowed(changes.url);
    if (Object.keys(changes).length > 0) await this.commands.update(call.caller, 'ConversationWebhook', webhook, changes);
    return webhookJson(call, await this.find(call, row.conversation_sid, webhook));
  }

  @Delete(':Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('Sid') webhook: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      const { sid } = await this.find(call, await this.conversations.sidOf(call, conversation), webhook);
      await this.commands.remove(call.caller, 'ConversationWebhook', sid);
    });
  }

  private async find({ account }: Call, conversationSid: string, webhook: string): Promise<Row> {
    if (!isSid(webhook, 'WH')) throw new NotFound();
    const [row] = await this.reads.query<Row>(one(account.sid, conversationSid, webhook));
    if (!row) throw new NotFound();
    return row;
  }
}

function tooMany(error: unknown): never {
  if (error instanceof DomainError && error.code === 'resource_limit_exceeded') throw new ApiError(50361);
  throw error;
}

/** Only what its target uses. */
function shown({ target, url, method, filters, triggers, flow_sid, replay_after }: Row): object {
  const replay = replay_after === null ? {} : { replay_after };
  switch (target) {
    case 'webhook': return { url, method, filters, ...replay };
    case 'trigger': return { url, method, triggers };
    case 'studio': return { flow_sid, ...replay };
  }
}

function webhookJson({ account, base, ofService, service }: Call, row: Row): string {
  return `{"sid":"${row.sid}","account_sid":"${account.sid}",${ofService ? `"chat_service_sid":"${service}",` : ''}"conversation_sid":"${
    row.conversation_sid}","target":"${row.target}","url":"${base}/Conversations/${row.conversation_sid}/Webhooks/${row.sid
  }","configuration":${JSON.stringify(shown(row))},"date_created":${time(row.created_at)},"date_updated":${time(row.updated_at)}}`;
}
