/** `/v1/Services/{IS}/Configuration` and its `/Notifications` (API reference 1.15 and 1.16). */
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { RegistryCommands } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import {
  defaultRoles, updateServiceConfiguration, updateServiceNotification, type ServiceConfigurationChanges, type ServiceNotificationChanges,
} from '@parley/contracts/rest/services';
import { Form, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { prepared, Reads } from './reads.js';
import { ServiceLookup, type ServiceRow } from './service-lookup.js';

type NotificationRow = { [Column in keyof ServiceNotificationChanges]-?: Exclude<ServiceNotificationChanges[Column], undefined> | null };

const notificationOf = prepared('service-notification', 'select * from model.service_notification where sid = $1 and account = $2');

@Controller('v1/Services/:ChatServiceSid/Configuration')
export class ServiceConfigurationController {
  constructor(
    @Inject(REGISTRY_COMMANDS) private readonly commands: RegistryCommands,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Get()
  async fetch(@TheCall() call: Call): Promise<string> {
    const service = await this.services.find(call, call.service);
    if (!service) throw new NotFound();
    return configurationJson(call, service);
  }

  @Post()
  @HttpCode(200)
  async update(@TheCall() call: Call, @Form(updateServiceConfiguration) changes: ServiceConfigurationChanges): Promise<string> {
    await this.services.mustExist(call);
    await this.checkRoles(call, changes);
    if (Object.keys(changes).length > 0) await this.commands.update(call.caller, 'Service', call.service, changes);
    return this.fetch(call);
  }

  @Get('Notifications')
  async fetchNotifications(@TheCall() call: Call): Promise<string> {
    await this.services.mustExist(call);
    const [row] = await this.reads.query<NotificationRow>(notificationOf(call.service, call.account.sid));
    return notificationJson(call, row ?? {});
  }

  @Post('Notifications')
  @HttpCode(200)
  async updateNotifications(@TheCall() call: Call, @Form(updateServiceNotification) changes: ServiceNotificationChanges): Promise<string> {
    await this.services.mustExist(call);
    if (Object.keys(changes).length > 0) {
      const at = new Date().toISOString();
      await this.commands.createOrUpdate(
        call.caller, 'ServiceNotification', { ...changes, sid: call.service, created_at: at, updated_at: at }, changes,
      );
    }
    return this.fetchNotifications(call);
  }

  /** A default role must be one of this service and of the right type. */
  private async checkRoles(call: Call, changes: ServiceConfigurationChanges): Promise<void> {
    for (const [column, type, notFound] of defaultRoles) {
      const sid = changes[column];
      if (sid === undefined) continue;
      const found = await this.services.roleType(call, sid);
      if (found === undefined) throw new ApiError(notFound);
      if (found !== type) throw new ApiError(50105);
    }
  }
}

/** There is no `account_sid` in it. */
function configurationJson({ base }: Call, s: ServiceRow): string {
  const url = `${base}/Configuration`;
  return `{"chat_service_sid":"${s.sid}","default_conversation_creator_role_sid":"${s.default_conversation_creator_role_sid
  }","default_conversation_role_sid":"${s.default_conversation_role_sid}","default_chat_service_role_sid":"${s.default_chat_service_role_sid
  }","url":"${url}","links":{"notifications":"${url}/Notifications","webhooks":"${url}/Webhooks"},"reachability_enabled":${s.reachability_enabled}}`;
}

/** What was never given is absent: a fresh service says `{"enabled":false}` three times. */
function notificationJson({ account, service, base }: Call, n: Partial<NotificationRow>): string {
  const notice = (enabled: boolean | null | undefined, rest: Record<string, unknown>) => {
    const kept = Object.entries(rest).filter(([, value]) => value !== null && value !== undefined);
    return { enabled: enabled ?? false, ...Object.fromEntries(kept) };
  };
  const ofMedia = n.new_message_with_media_enabled ?? n.new_message_with_media_template ?? null;
  return JSON.stringify({
    account_sid: account.sid, chat_service_sid: service,
    new_message: notice(n.new_message_enabled, {
      template: n.new_message_template, sound: n.new_message_sound, badge_count_enabled: n.new_message_badge_count_enabled,
      with_media: ofMedia === null ? null : notice(n.new_message_with_media_enabled, { template: n.new_message_with_media_template }),
    }),
    added_to_conversation: notice(n.added_to_conversation_enabled, {
      template: n.added_to_conversation_template, sound: n.added_to_conversation_sound,
    }),
    removed_from_conversation: notice(n.removed_from_conversation_enabled, {
      template: n.removed_from_conversation_template, sound: n.removed_from_conversation_sound,
    }),
    log_enabled: n.log_enabled ?? false, url: `${base}/Configuration/Notifications`,
  });
}
