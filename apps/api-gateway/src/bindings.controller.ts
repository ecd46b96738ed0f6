/** `/v1/Services/{IS}/Bindings` (API reference 1.14): devices that chat members registered for push; made by their SDKs, or at `/Devices`. */
import { Controller, Delete, Get, HttpCode, Inject, Param } from '@nestjs/common';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { RegistryCommands } from '@parley/contracts/commands';
import { bindingListParameters, listBindings, type ListBindings } from '@parley/contracts/rest/bindings';
import type { Paging } from '@parley/contracts/rest/paging';
import { bindingJson, type BindingRow } from './binding-json.js';
import { Filters, PagingOf, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { prepared, Reads } from './reads.js';
import { Repetitions } from './repetitions.js';
import { ServiceLookup } from './service-lookup.js';

const select = 'select * from model.push_binding where account = $1 and chat_service_sid = $2 and';
/** Without identities it walks the service's bindings in order; with some it looks those up, and a person has few devices. */
const page = (after: '>' | '<', by: 'all' | 'identity') => prepared(`bindings-${by}${after}`,
  `${select} sid ${after} $3 and ($4::text[] is null or binding_type = any($4)) and ${
    by === 'all' ? '$5::text[] is null' : 'identity = any($5)'} order by sid ${after === '>' ? 'asc' : 'desc'} limit $6`);
const pages = {
  all: { forward: page('>', 'all'), backward: page('<', 'all') },
  identity: { forward: page('>', 'identity'), backward: page('<', 'identity') },
};
const find = prepared('binding', `${select} sid = $3`);

@Controller('v1/Services/:ChatServiceSid/Bindings')
export class BindingsController {
  constructor(
    @Inject(REGISTRY_COMMANDS) private readonly commands: RegistryCommands,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Get()
  async list(
    @TheCall() call: Call, @Filters(listBindings, bindingListParameters) { BindingType, Identity }: ListBindings, @PagingOf(100) paging: Paging,
  ): Promise<string> {
    await this.services.mustExist(call);
    const cursor = readPageToken(paging.PageToken, 'bindings', ([sid]) => (sidOfKind(sid, 'BS') ? ([sid] as const) : undefined));
    const query = pages[Identity ? 'identity' : 'all'][cursor?.back ? 'backward' : 'forward'];
    const rows = await this.reads.query<BindingRow>(
      query(call.account.sid, call.service, cursor?.key[0] ?? '', BindingType ?? null, Identity ?? null, paging.PageSize + 1));
    const filters = [...(BindingType ?? []).map((type) => ['BindingType', type] as const), ...(Identity ?? []).map((id) => ['Identity', id] as const)];
    return listAnswer({
      key: 'bindings', url: `${call.base}/Bindings`, filters, list: 'bindings', paging, cursor, rows,
      keyOf: ({ sid }) => [sid] as const, json: (row) => bindingJson(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    return bindingJson(call, await this.find(call, sid));
  }

  @Delete(':Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      await this.find(call, sid);
      await this.commands.remove(call.caller, 'PushBinding', sid);
    });
  }

  private async find({ account, service }: Call, sid: string): Promise<BindingRow> {
    const [row] = sidOfKind(sid, 'BS') ? await this.reads.query<BindingRow>(find(account.sid, service, sid)) : [];
    if (!row) throw new NotFound();
    return row;
  }
}
