/** `/v1/MessagingServices`: pools of senders. `MessagingBinding.ProxyAddress=MG…` takes one of them. */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import {
  addPoolSender, createMessagingService, updateMessagingService, type AddPoolSender, type CreateMessagingService, type UpdateMessagingService,
} from '@parley/contracts/rest/channels';
import type { Paging } from '@parley/contracts/rest/paging';
import { MessagingServices, type MessagingServiceRecord } from '@parley/delivery/messaging-services';
import { isSid } from '@parley/domain/sid';
import { pageAt, sidCursor } from './account-access.js';
import { Form, PagingOf, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { listAnswer } from './list-answer.js';
import { Once } from './once.js';
import { messagingServiceJson, poolSenderJson } from './sender-json.js';

@Controller('v1/MessagingServices')
export class MessagingServicesController {
  constructor(
    @Inject(MessagingServices) private readonly services: MessagingServices,
    @Inject(Once) private readonly once: Once,
  ) {}

  @Post()
  create(@TheCall() call: Call, @Form(createMessagingService) asked: CreateMessagingService): Promise<string> {
    return this.once.run(call, async () => messagingServiceJson(call, await this.services.create(call.account.sid, asked, this.once.sid(call, 'MG'))));
  }

  @Get()
  async list(@TheCall() call: Call, @PagingOf(100) paging: Paging): Promise<string> {
    const cursor = sidCursor(paging.PageToken, 'messaging-services', 'MG');
    return listAnswer({
      key: 'messaging_services', url: `${call.base}/MessagingServices`, list: 'messaging-services', paging, cursor: cursor && { key: [cursor.key] as const, back: cursor.back },
      rows: await this.services.list(call.account.sid, pageAt(cursor, paging.PageSize)), keyOf: ({ sid }) => [sid] as const, json: (row) => messagingServiceJson(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    return messagingServiceJson(call, await this.find(call, sid));
  }

  @Post(':Sid')
  @HttpCode(200)
  update(@TheCall() call: Call, @Param('Sid') sid: string, @Form(updateMessagingService) changes: UpdateMessagingService): Promise<string> {
    return this.once.run(call, async () => {
      await this.find(call, sid);
      const changed = await this.services.update(call.account.sid, sid, changes);
      if (!changed) throw new NotFound();
      return messagingServiceJson(call, changed);
    });
  }

  @Delete(':Sid')
  @HttpCode(204)
  async remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    await this.once.run(call, async () => {
      if (!isSid(sid, 'MG') || !(await this.services.remove(call.account.sid, sid))) throw new NotFound();
      return '';
    });
  }

  @Post(':ServiceSid/Senders')
  addSender(@TheCall() call: Call, @Param('ServiceSid') service: string, @Form(addPoolSender) { sender, place }: AddPoolSender): Promise<string> {
    return this.once.run(call, async () => {
      await this.find(call, service);
      const added = await this.services.addSender(call.account.sid, service, sender, place);
      if (!added) throw new ApiError(20001, 'SenderSid');
      return poolSenderJson(call, added);
    });
  }

  @Get(':ServiceSid/Senders')
  async senders(@TheCall() call: Call, @Param('ServiceSid') service: string, @PagingOf(100) paging: Paging): Promise<string> {
    await this.find(call, service);
    const cursor = sidCursor(paging.PageToken, 'pool-senders', 'XE');
    return listAnswer({
      key: 'senders', url: `${call.base}/MessagingServices/${service}/Senders`, list: 'pool-senders', paging, cursor: cursor && { key: [cursor.key] as const, back: cursor.back },
      rows: await this.services.senders(call.account.sid, service, pageAt(cursor, paging.PageSize)), keyOf: ({ sid }) => [sid] as const,
      json: (row) => poolSenderJson(call, row),
    });
  }

  @Get(':ServiceSid/Senders/:Sid')
  async sender(@TheCall() call: Call, @Param('ServiceSid') service: string, @Param('Sid') sid: string): Promise<string> {
    const found = isSid(service, 'MG') && isSid(sid, 'XE') ? await this.services.sender(call.account.sid, service, sid) : undefined;
    if (!found) throw new NotFound();
    return poolSenderJson(call, found);
  }

  @Delete(':ServiceSid/Senders/:Sid')
  @HttpCode(204)
  async removeSender(@TheCall() call: Call, @Param('ServiceSid') service: string, @Param('Sid') sid: string): Promise<void> {
    await this.once.run(call, async () => {
      if (!isSid(service, 'MG') || !isSid(sid, 'XE') || !(await this.services.removeSender(call.account.sid, service, sid))) throw new NotFound();
      return '';
    });
  }

  private async find({ account }: Call, sid: string): Promise<MessagingServiceRecord> {
    const found = isSid(sid, 'MG') ? await this.services.find(account.sid, sid) : undefined;
    if (!found) throw new NotFound();
    return found;
  }
}
