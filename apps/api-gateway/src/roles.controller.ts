/** `…/Roles` (API reference 1.12 and 6): what users and participants may do when they come with an access token. */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { RegistryCommands } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import type { Paging } from '@parley/contracts/rest/paging';
import { createRole, updateRole, type CreateRole, type UpdateRole } from '@parley/contracts/rest/roles';
import type { RoleRow } from '@parley/domain/roles';
import { isSid, newSid } from '@parley/domain/sid';
import { derivedSid } from '@parley/event-store/derived-sid';
import { families, Form, PagingOf, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { text, time } from './json-text.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { prepared, Reads } from './reads.js';
import { Repetitions } from './repetitions.js';
import { ServiceLookup } from './service-lookup.js';

const select = 'select * from model.role where account = $1 and chat_service_sid = $2 and sid';
const page = (after: '>' | '<') => prepared(`roles${after}`,
  `${select} ${after} $3 order by sid ${after === '>' ? 'asc' : 'desc'} limit $4`);
const forward = page('>');
const backward = page('<');
const find = prepared('role', `${select} = $3`);

@Controller(families('Roles'))
export class RolesController {
  constructor(
    @Inject(REGISTRY_COMMANDS) private readonly commands: RegistryCommands,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Post()
  async create(@TheCall() call: Call, @Form(createRole) data: CreateRole): Promise<string> {
    await this.services.mustExist(call);
    const { account, key } = call.caller;
    const at = new Date().toISOString();
    const sid = key === undefined ? newSid('RL') : derivedSid('RL', account, key);
    await this.commands.create(call.caller, 'Role', { ...data, sid, chat_service_sid: call.service, created_at: at, updated_at: at });
    return this.fetch(call, sid);
  }

  @Get()
  async list(@TheCall() call: Call, @PagingOf(50) paging: Paging): Promise<string> {
    await this.services.mustExist(call);
    const cursor = readPageToken(paging.PageToken, 'roles', ([sid]) => (sidOfKind(sid, 'RL') ? ([sid] as const) : undefined));
    const query = cursor?.back ? backward : forward;
    const rows = await this.reads.query<RoleRow>(query(call.account.sid, call.service, cursor?.key[0] ?? '', paging.PageSize + 1));
    return listAnswer({
      key: 'roles', url: `${call.base}/Roles`, list: 'roles', paging, cursor, rows,
      keyOf: ({ sid }) => [sid] as const, json: (row) => roleJson(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    return roleJson(call, await this.find(call, sid));
  }

  @Post(':Sid')
  @HttpCode(200)
  async update(@TheCall() call: Call, @Param('Sid') sid: string, @Form(updateRole) changes: UpdateRole): Promise<string> {
    await this.find(call, sid);
    await this.commands.update(call.caller, 'Role', sid, changes);
    return this.fetch(call, sid);
  }

  /** The service's defaults stay: whoever joins next would get a role that is not there. */
  @Delete(':Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      await this.find(call, sid);
      const service = await this.services.find(call, call.service);
      const defaults = [
        service?.default_chat_service_role_sid, service?.default_conversation_role_sid, service?.default_conversation_creator_role_sid,
      ];
      if (defaults.includes(sid)) throw new ApiError(20409, "the role is one of the service's defaults");
      await this.commands.remove(call.caller, 'Role', sid);
    });
  }

  private async find(call: Call, sid: string): Promise<RoleRow> {
    const [row] = isSid(sid, 'RL') ? await this.reads.query<RoleRow>(find(call.account.sid, call.service, sid)) : [];
    if (!row) throw new NotFound();
    return row;
  }
}

function roleJson({ base }: Call, r: RoleRow): string {
  return `{"sid":"${r.sid}","account_sid":"${r.account}","chat_service_sid":"${r.chat_service_sid}","friendly_name":${
    text(r.friendly_name)},"type":"${r.type}","permissions":${JSON.stringify(r.permissions)},"date_created":${time(r.created_at)
  },"date_updated":${time(r.updated_at)},"url":"${base}/Roles/${r.sid}"}`;
}
