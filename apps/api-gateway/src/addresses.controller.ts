/** `/v1/Configuration/Addresses` (API reference 1.2). */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { PARTICIPANT_COMMANDS } from '@parley/contracts/command-tokens';
import type { AutoCreation, CreateAddressConfiguration, ParticipantCommands } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import {
  autoCreationFault, createAddressConfiguration, listAddressConfigurations, updateAddressConfiguration, type ListAddressConfigurations,
} from '@parley/contracts/rest/addresses';
import type { Paging } from '@parley/contracts/rest/paging';
import { isSid, type Sid } from '@parley/domain/sid';
import { BindingRules } from './binding-rules.js';
import { Filters, Form, PagingOf, TheCall, type Call } from './call.js';
import { mustBeText } from './conversation-lookup.js';
import { NotFound } from './error-answer.js';
import { plainOrNull, text, textOrNull, time } from './json-text.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { prepared, Reads } from './reads.js';
import { Repetitions } from './repetitions.js';
import { ServiceLookup } from './service-lookup.js';
import { WebhookTargets } from './webhook-targets.js';

type Row = {
  sid: string; type: string; address: string; friendly_name: string | null; auto_creation: AutoCreation; address_country: string | null;
  created_at: string; updated_at: string;
};
type Changes = { friendlyName?: string | null; autoCreation: Partial<AutoCreation> };

const select = 'select * from model.address_configuration where account = $1 and';
const page = (after: '>' | '<') => prepared(`addresses${after}`,
  `${select} sid ${after} $2 and ($3::text is null or lower(type) = $3) order by sid ${after === '>' ? 'asc' : 'desc'} limit $4`);
const forward = page('>');
const backward = page('<');
const find = { sid: prepared('address', `${select} sid = $2`), address: prepared('address-by-address', `${select} address = $2`) };

@Controller('v1/Configuration/Addresses')
export class AddressesController {
  constructor(
    @Inject(PARTICIPANT_COMMANDS) private readonly commands: ParticipantCommands,
    @Inject(BindingRules) private readonly bindings: BindingRules,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(WebhookTargets) private readonly targets: WebhookTargets,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Post()
  async create(@TheCall() call: Call, @Form(createAddressConfiguration) data: CreateAddressConfiguration): Promise<string> {
    await this.services.mustBeOurs(call, data.autoCreation.conversation_service_sid);
    this.targets.mustBeAllowed(data.autoCreation.webhook_url);
    await this.bindings.mustBeOurs(call, data.type.toLowerCase(), data.address);
    const { sid } = await this.commands.createAddressConfiguration(call.caller, data);
    return this.fetch(call, sid);
  }

  @Get()
  async list(@TheCall() call: Call, @Filters(listAddressConfigurations) { Type }: ListAddressConfigurations, @PagingOf(50) paging: Paging): Promise<string> {
    const cursor = readPageToken(paging.PageToken, 'addresses', ([sid]) => (sidOfKind(sid, 'IG') ? ([sid] as const) : undefined));
    const query = cursor?.back ? backward : forward;
    const rows = await this.reads.query<Row>(query(call.account.sid, cursor?.key[0] ?? '', Type ?? null, paging.PageSize + 1));
    return listAnswer({
      key: 'address_configurations', url: `${call.base}/Configuration/Addresses`, filters: [['Type', Type]], list: 'addresses', paging,
      cursor, rows, keyOf: ({ sid }) => [sid] as const, json: (row) => addressJson(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sidOrAddress: string): Promise<string> {
    return addressJson(call, await this.find(call, sidOrAddress));
  }

  @Post(':Sid')
  @HttpCode(200)
  async update(@TheCall() call: Call, @Param('Sid') sidOrAddress: string, @Form(updateAddressConfiguration) changes: Changes): Promise<string> {
    const row = await this.find(call, sidOrAddress);
    const { sid, auto_creation } = row;
    if (changes.friendlyName === undefined && Object.keys(changes.autoCreation).length === 0) return addressJson(call, row);
    const autoCreation = { ...auto_creation, ...changes.autoCreation };
    const code = autoCreationFault(autoCreation);
    if (code !== undefined) throw new ApiError(code);
    await this.services.mustBeOurs(call, changes.autoCreation.conversation_service_sid);
    this.targets.mustBeAllowed(changes.autoCreation.webhook_url);
    await this.commands.updateAddressConfiguration(call.caller, sid as Sid<'IG'>, { ...changes, autoCreation });
    return this.fetch(call, sid);
  }

  @Delete(':Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('Sid') sidOrAddress: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      const { sid } = await this.find(call, sidOrAddress);
      await this.commands.deleteAddressConfiguration(call.caller, sid as Sid<'IG'>);
    });
  }

  private async find(call: Call, sidOrAddress: string): Promise<Row> {
    const query = find[isSid(sidOrAddress, 'IG') ? 'sid' : 'address'](call.account.sid, mustBeText(sidOrAddress));
    const [row] = await this.reads.query<Row>(query);
    if (!row) throw new NotFound();
    return row;
  }
}

/** Only what belongs to the type is shown; what was given for another type waits until the type comes back. */
function shown({ enabled, type, ...auto }: AutoCreation, defaultService: string): object {
  const service = { conversation_service_sid: auto.conversation_service_sid ?? defaultService };
  switch (type) {
    case 'default': return { enabled, type, conversation_service_sid: auto.conversation_service_sid };
    case 'studio': return { enabled, type, ...service, studio_flow_sid: auto.studio_flow_sid, studio_retry_count: auto.studio_retry_count ?? 0 };
    case 'webhook':
      return {
        enabled, type, ...service, webhook_url: auto.webhook_url, webhook_method: auto.webhook_method ?? 'POST',
        webhook_filters: auto.webhook_filters ?? [],
      };
  }
}

function addressJson({ account, base }: Call, a: Row): string {
  return `{"sid":"${a.sid}","account_sid":"${account.sid}","type":${text(a.type)},"address":${text(a.address)},"friendly_name":${
    textOrNull(a.friendly_name)},"auto_creation":${JSON.stringify(shown(a.auto_creation, account.defaultChatServiceSid))
  },"date_created":${time(a.created_at)},"date_updated":${time(a.updated_at)},"url":"${base}/Configuration/Addresses/${a.sid
  }","address_country":${plainOrNull(a.address_country)}}`;
}
