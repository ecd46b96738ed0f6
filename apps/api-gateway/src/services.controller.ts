/** `/v1/Services` (API reference 1.13). What a deleted service held goes after it (deleted-services.ts). */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { RegistryCommands } from '@parley/contracts/commands';
import type { Paging } from '@parley/contracts/rest/paging';
import { createService, type CreateService } from '@parley/contracts/rest/services';
import { isSid, newSid } from '@parley/domain/sid';
import { derivedSid } from '@parley/event-store/derived-sid';
import { Form, PagingOf, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { GoneServices } from './gone-services.js';
import { text, time } from './json-text.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { prepared, Reads } from './reads.js';
import { Repetitions } from './repetitions.js';
import { ServiceLookup, type ServiceRow } from './service-lookup.js';

const page = (after: '>' | '<') => prepared(`services${after}`,
  `select * from model.service where account = $1 and sid ${after} $2 order by sid ${after === '>' ? 'asc' : 'desc'} limit $3`);
const forward = page('>');
const backward = page('<');
const links = [
  ['conversations', 'Conversations'], ['users', 'Users'], ['roles', 'Roles'], ['bindings', 'Bindings'],
  ['configuration', 'Configuration'], ['participant_conversations', 'ParticipantConversations'],
  ['conversation_with_participants', 'ConversationWithParticipants'],
] as const;

@Controller('v1/Services')
export class ServicesController {
  constructor(
    @Inject(REGISTRY_COMMANDS) private readonly commands: RegistryCommands,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
    @Inject(GoneServices) private readonly gone: GoneServices,
  ) {}

  /** With its four roles, which the command adds. */
  @Post()
  async create(@TheCall() call: Call, @Form(createService) { friendlyName }: CreateService): Promise<string> {
    const { account, caller } = call;
    const sid = caller.key === undefined ? newSid('IS') : derivedSid('IS', account.sid, caller.key);
    const at = new Date().toISOString();
    await this.commands.create(caller, 'Service', { sid, account: account.sid, friendly_name: friendlyName, created_at: at, updated_at: at });
    return this.fetch(call, sid);
  }

  @Get()
  async list(@TheCall() call: Call, @PagingOf(100) paging: Paging): Promise<string> {
    const cursor = readPageToken(paging.PageToken, 'services', ([sid]) => (sidOfKind(sid, 'IS') ? ([sid] as const) : undefined));
    const query = cursor?.back ? backward : forward;
    const rows = await this.reads.query<ServiceRow>(query(call.account.sid, cursor?.key[0] ?? '', paging.PageSize + 1));
    return listAnswer({
      key: 'services', url: `${call.base}/Services`, list: 'services', paging, cursor, rows,
      keyOf: ({ sid }) => [sid] as const, json: (row) => serviceJson(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    const row = await this.services.find(call, sid);
    if (!row) throw new NotFound();
    return serviceJson(call, row);
  }

  /** The default service stays: account-level paths act on it (409). */
  @Delete(':Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      if (!isSid(sid, 'IS')) throw new NotFound();
      await this.commands.remove(call.caller, 'Service', sid);
      this.gone.add(sid);
    });
  }
}

function serviceJson({ base }: Call, s: ServiceRow): string {
  const url = `${base}/Services/${s.sid}`;
  return `{"sid":"${s.sid}","account_sid":"${s.account}","friendly_name":${text(s.friendly_name)},"date_created":${time(s.created_at)
  },"date_updated":${time(s.updated_at)},"url":"${url}","links":{${links.map(([name, path]) => `"${name}":"${url}/${path}"`).join(',')}}}`;
}
