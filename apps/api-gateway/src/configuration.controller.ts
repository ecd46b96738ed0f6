/**
 * `/v1/Configuration` (API reference 1.1): the default service, which account-level paths act on, and what new conversations
 * get when they name nothing else. The fact in the log is the truth; where it names no service, the one the account was made with.
 */
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { RegistryCommands } from '@parley/contracts/commands';
import { updateConfiguration, type ConfigurationChanges } from '@parley/contracts/rest/configuration';
import { Accounts } from '@parley/event-store/accounts';
import { Form, TheCall, type Call } from './call.js';
import { plainOrNull } from './json-text.js';
import { prepared, Reads } from './reads.js';
import { ServiceLookup } from './service-lookup.js';

type Row = {
  default_chat_service_sid: string | null; default_messaging_service_sid: string | null;
  default_inactive_timer: string | null; default_closed_timer: string | null;
};

const find = prepared('account-configuration', 'select * from model.account_configuration where sid = $1');
const nothing: Row = {
  default_chat_service_sid: null, default_messaging_service_sid: null, default_inactive_timer: null, default_closed_timer: null,
};

@Controller('v1/Configuration')
export class ConfigurationController {
  constructor(
    @Inject(REGISTRY_COMMANDS) private readonly commands: RegistryCommands,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(Accounts) private readonly accounts: Accounts,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Get()
  async fetch(@TheCall() call: Call): Promise<string> {
    const [row = nothing] = await this.reads.query<Row>(find(call.account.sid));
    return configurationJson(call, row);
  }

  @Post()
  @HttpCode(200)
  async update(@TheCall() call: Call, @Form(updateConfiguration) changes: ConfigurationChanges): Promise<string> {
    const { account, caller } = call;
    await this.services.mustBeOurs(call, changes.default_chat_service_sid);
    if (Object.keys(changes).length > 0) {
      const at = new Date().toISOString();
      const row = { ...nothing, ...changes, sid: account.sid, created_at: at, updated_at: at };
      await this.commands.createOrUpdate(caller, 'AccountConfiguration', row, changes);
      this.accounts.forget(account.sid); // the next request of this process acts on it, others within their cache's time
    }
    return this.fetch(call);
  }
}

function configurationJson({ account, base }: Call, row: Row): string {
  const service = row.default_chat_service_sid ?? account.defaultChatServiceSid;
  return `{"account_sid":"${account.sid}","default_chat_service_sid":"${service}","default_messaging_service_sid":${
    plainOrNull(row.default_messaging_service_sid)},"default_inactive_timer":${plainOrNull(row.default_inactive_timer)
  },"default_closed_timer":${plainOrNull(row.default_closed_timer)},"url":"${base}/Configuration","links":{"service":"${base}/Services/${
    service}/Configuration","webhooks":"${base}/Configuration/Webhooks"}}`;
}
