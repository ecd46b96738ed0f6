/** `/v1/Configuration` (API reference 1.1). Its settings cannot be changed yet: the one that exists is the default service. */
import { Controller, Get, Post } from '@nestjs/common';
import { notBuilt } from '@parley/contracts/error-catalogue';
import { TheCall, type Call } from './call.js';

@Controller('v1/Configuration')
export class ConfigurationController {
  @Get()
  fetch(@TheCall() { account, base }: Call): string {
    return JSON.stringify({
      account_sid: account.sid, default_chat_service_sid: account.defaultChatServiceSid, default_messaging_service_sid: null,
      default_inactive_timer: null, default_closed_timer: null, url: `${base}/Configuration`,
      links: {
        service: `${base}/Services/${account.defaultChatServiceSid}/Configuration`, webhooks: `${base}/Configuration/Webhooks`,
      },
    });
  }

  @Post()
  update(): never {
    throw notBuilt('Updating the Configuration');
  }
}
