/** `/v1/Configuration/Webhooks` and `/v1/Services/{IS}/Configuration/Webhooks` (API reference 1.3 and 1.17). */
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { RegistryCommands } from '@parley/contracts/commands';
import { updateGlobalWebhooks, updateServiceWebhooks, type WebhookSettings } from '@parley/contracts/rest/webhooks';
import { Form, TheCall, type Call } from './call.js';
import { plainOrNull, textOrNull } from './json-text.js';
import { prepared, Reads } from './reads.js';
import { ServiceLookup } from './service-lookup.js';
import { WebhookTargets } from './webhook-targets.js';

type Row = { method: string; filters: string[]; pre_webhook_url: string | null; post_webhook_url: string | null; target: string };

const find = prepared('webhook-configuration', 'select * from model.webhook_configuration where sid = $1 and account = $2');
const defaults: Row = { method: 'POST', filters: [], pre_webhook_url: null, post_webhook_url: null, target: 'webhook' };

@Controller('v1')
export class WebhookConfigurationController {
  constructor(
    @Inject(REGISTRY_COMMANDS) private readonly commands: RegistryCommands,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(WebhookTargets) private readonly targets: WebhookTargets,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Get('Configuration/Webhooks')
  async fetch(@TheCall() call: Call): Promise<string> {
    return globalJson(call, (await this.find(call, call.account.sid)) ?? defaults);
  }

  @Post('Configuration/Webhooks')
  @HttpCode(200)
  async update(@TheCall() call: Call, @Form(updateGlobalWebhooks) settings: WebhookSettings): Promise<string> {
    await this.store(call, call.account.sid, settings);
    return this.fetch(call);
  }

  @Get('Services/:ChatServiceSid/Configuration/Webhooks')
  async fetchOfService(@TheCall() call: Call): Promise<string> {
    await this.services.mustExist(call);
    return serviceJson(call, await this.find(call, call.service));
  }

  @Post('Services/:ChatServiceSid/Configuration/Webhooks')
  @HttpCode(200)
  async updateOfService(@TheCall() call: Call, @Form(updateServiceWebhooks) settings: WebhookSettings): Promise<string> {
    await this.services.mustExist(call);
    await this.store(call, call.service, settings);
    return serviceJson(call, await this.find(call, call.service));
  }

  private async store({ caller }: Call, sid: string, settings: WebhookSettings): Promise<void> {
    this.targets.mustBeAllowed(settings.pre_webhook_url, settings.post_webhook_url);
    if (Object.keys(settings).length === 0) return;
    const at = new Date().toISOString();
    await this.commands.createOrUpdate(
      caller, 'WebhookConfiguration', { ...defaults, ...settings, sid, created_at: at, updated_at: at }, settings,
    );
  }

  private async find({ account }: Call, sid: string): Promise<Row | undefined> {
    const [row] = await this.reads.query<Row>(find(sid, account.sid));
    return row;
  }
}

const urls = ({ pre_webhook_url, post_webhook_url }: Row) => `"pre_webhook_url":${textOrNull(pre_webhook_url)},"post_webhook_url":${textOrNull(post_webhook_url)}`;

const globalJson = ({ account, base }: Call, row: Row): string =>
  `{"account_sid":"${account.sid}","method":"${row.method}","filters":${JSON.stringify(row.filters)},${urls(row)},"target":"${row.target
  }","url":"${base}/Configuration/Webhooks"}`;

/** Of a service that was never given any, everything is null: the account's webhooks then count for it. */
const serviceJson = ({ account, base, service }: Call, row: Row | undefined): string =>
  `{"account_sid":"${account.sid}","chat_service_sid":"${service}",${
    row ? urls(row) : '"pre_webhook_url":null,"post_webhook_url":null'},"filters":${row ? JSON.stringify(row.filters) : 'null'},"method":${
    plainOrNull(row?.method ?? null)},"url":"${base}/Configuration/Webhooks"}`;
