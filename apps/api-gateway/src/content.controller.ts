/** `/v1/Content` (API reference 11): content templates. Bodies are JSON, like the original's. */
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { RegistryCommands } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import { approvalRequest, writeContent, type ApprovalRequest, type WriteContent } from '@parley/contracts/rest/content';
import type { Paging } from '@parley/contracts/rest/paging';
import { isStorable, parameters } from '@parley/contracts/rest/parameters';
import { isSid, newSid } from '@parley/domain/sid';
import { derivedSid } from '@parley/event-store/derived-sid';
import { PagingOf, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { text, textOrNull, time } from './json-text.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { prepared, Reads } from './reads.js';
import { Repetitions } from './repetitions.js';

type Approval = { name: string; category: string; content_type: string; status: string; rejection_reason: string; allow_category_change: boolean };
type Row = {
  sid: string; friendly_name: string | null; language: string; variables: Record<string, string>; types: Record<string, object>;
  approval: Approval | null; created_at: string; updated_at: string;
};

const select = 'select * from model.content_template where account = $1 and sid';
const find = prepared('content', `${select} = $2`);
const page = (after: '>' | '<') => prepared(`contents${after}`, `${select} ${after} $2 order by sid ${after === '>' ? 'asc' : 'desc'} limit $3`);
const forward = page('>');
const backward = page('<');

@Controller('v1')
export class ContentController {
  constructor(
    @Inject(REGISTRY_COMMANDS) private readonly commands: RegistryCommands,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Post('Content')
  @RouteConfig({ body: 'json' })
  async create(@TheCall() call: Call, @Body() body: unknown): Promise<string> {
    const content = parsedJson<WriteContent>(writeContent, body);
    const { account, caller } = call;
    const sid = caller.key === undefined ? newSid('HX') : derivedSid('HX', account.sid, caller.key);
    const now = new Date().toISOString();
    await this.commands.create(caller, 'ContentTemplate', { sid, ...content, approval: null, created_at: now, updated_at: now });
    return this.fetch(call, sid);
  }

  @Get('Content')
  list(@TheCall() call: Call, @PagingOf(100) paging: Paging): Promise<string> {
    return this.page(call, paging, 'Content', contentJson);
  }

  @Get('ContentAndApprovals')
  listWithApprovals(@TheCall() call: Call, @PagingOf(100) paging: Paging): Promise<string> {
    return this.page(call, paging, 'ContentAndApprovals', (of, row) =>
      `${contentJson(of, row).slice(0, -1)},"approval_requests":${row.approval === null ? '{}' : JSON.stringify(row.approval)}}`);
  }

  @Get('Content/:Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    return contentJson(call, await this.find(call, sid));
  }

  @Put('Content/:Sid')
  @RouteConfig({ body: 'json' })
  async update(@TheCall() call: Call, @Param('Sid') sid: string, @Body() body: unknown): Promise<string> {
    const before = await this.find(call, sid);
    const changes = typeof body === 'object' && body !== null ? body : {};
    const { friendly_name, language, variables, types } = before;
    await this.commands.update(call.caller, 'ContentTemplate', sid, parsedJson<WriteContent>(writeContent, { friendly_name, language, variables, types, ...changes }));
    return this.fetch(call, sid);
  }

  @Delete('Content/:Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      await this.find(call, sid);
      await this.commands.remove(call.caller, 'ContentTemplate', sid);
    });
  }

  /** No template goes to WhatsApp from here yet: the request is kept, and its state shown. */
  @Post('Content/:Sid/ApprovalRequests/whatsapp')
  @RouteConfig({ body: 'json' })
  async askApproval(@TheCall() call: Call, @Param('Sid') sid: string, @Body() body: unknown): Promise<string> {
    const { types } = await this.find(call, sid);
    const { name, category, allow_category_change } = parsedJson<ApprovalRequest>(approvalRequest, body);
    const approval: Approval = {
      name, category, content_type: Object.keys(types)[0]!, status: 'received', rejection_reason: '', allow_category_change,
    };
    await this.commands.update(call.caller, 'ContentTemplate', sid, { approval });
    return JSON.stringify(approval);
  }

  @Get('Content/:Sid/ApprovalRequests')
  async approval(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    const { approval, types } = await this.find(call, sid);
    const none: Approval = {
      name: '', category: '', content_type: Object.keys(types)[0]!, status: 'unsubmitted', rejection_reason: '', allow_category_change: true,
    };
    const { account, base } = call;
    return JSON.stringify({
      sid, account_sid: account.sid, whatsapp: { type: 'whatsapp', ...(approval ?? none) }, url: `${base}/Content/${sid}/ApprovalRequests`,
    });
  }

  private async page(call: Call, paging: Paging, path: string, json: (call: Call, row: Row) => string): Promise<string> {
    const cursor = readPageToken(paging.PageToken, 'contents', ([sid]) => (sidOfKind(sid, 'HX') ? ([sid] as const) : undefined));
    const rows = await this.reads.query<Row>((cursor?.back ? backward : forward)(call.account.sid, cursor?.key[0] ?? '', paging.PageSize + 1));
    return listAnswer({
      key: 'contents', url: `${call.base}/${path}`, list: 'contents', paging, cursor, rows, keyOf: ({ sid }) => [sid] as const,
      json: (row) => json(call, row),
    });
  }

  private async find({ account }: Call, sid: string): Promise<Row> {
    const [row] = isSid(sid, 'HX') ? await this.reads.query<Row>(find(account.sid, sid)) : [];
    if (!row) throw new NotFound();
    return row;
  }
}

/** JSON bodies pass the same checks as forms. */
function parsedJson<T>(schema: typeof writeContent | typeof approvalRequest, body: unknown): T {
  if (!isStorable(body)) throw new ApiError(20001, 'body');
  return parameters(schema, body as never) as T;
}

function contentJson({ account, base }: Call, c: Row): string {
  const url = `${base}/Content/${c.sid}`;
  return `{"sid":"${c.sid}","account_sid":"${account.sid}","friendly_name":${textOrNull(c.friendly_name)},"language":${text(c.language)
  },"variables":${JSON.stringify(c.variables)},"types":${JSON.stringify(c.types)},"date_created":${time(c.created_at)},"date_updated":${
    time(c.updated_at)},"url":"${url}","links":{"approval_create":"${url}/ApprovalRequests/whatsapp","approval_fetch":"${url}/ApprovalRequests"}}`;
}
