/** `/v1/Senders`: the numbers and addresses an account writes from. With the first one on a channel the simulator's part there ends. */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import { createSender, listSenders, updateSender, type CreateSender, type ListSenders, type UpdateSender } from '@parley/contracts/rest/channels';
import type { Paging } from '@parley/contracts/rest/paging';
import { SenderFault, Senders } from '@parley/delivery/senders';
import { isSid } from '@parley/domain/sid';
import { pageAt, sidCursor } from './account-access.js';
import { Filters, Form, PagingOf, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { listAnswer } from './list-answer.js';
import { Once } from './once.js';
import { senderJson } from './sender-json.js';

@Controller('v1/Senders')
export class SendersController {
  constructor(
    @Inject(Senders) private readonly senders: Senders,
    @Inject(Once) private readonly once: Once,
  ) {}

  @Post()
  create(@TheCall() call: Call, @Form(createSender) asked: CreateSender): Promise<string> {
    return this.once.run(call, async () => {
      const made = await checked(this.senders.create(call.account.sid, asked, this.once.sid(call, 'XE')));
      if (made === 'taken') throw new ApiError(20409, 'the account has this sender already');
      return senderJson(call, made);
    });
  }

  @Get()
  async list(@TheCall() call: Call, @Filters(listSenders) { Channel }: ListSenders, @PagingOf(100) paging: Paging): Promise<string> {
    const cursor = sidCursor(paging.PageToken, 'senders', 'XE');
    return listAnswer({
      key: 'senders', url: `${call.base}/Senders`, filters: [['Channel', Channel]], list: 'senders', paging, cursor: cursor && { key: [cursor.key] as const, back: cursor.back },
      rows: await this.senders.list(call.account.sid, { ...pageAt(cursor, paging.PageSize), channel: Channel ?? null }), keyOf: ({ sid }) => [sid] as const,
      json: (row) => senderJson(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    const found = isSid(sid, 'XE') ? await this.senders.find(call.account.sid, sid) : undefined;
    if (!found) throw new NotFound();
    return senderJson(call, found);
  }

  @Post(':Sid')
  @HttpCode(200)
  update(@TheCall() call: Call, @Param('Sid') sid: string, @Form(updateSender) changes: UpdateSender): Promise<string> {
    return this.once.run(call, async () => {
      const changed = isSid(sid, 'XE') ? await checked(this.senders.update(call.account.sid, sid, changes)) : undefined;
      if (!changed) throw new NotFound();
      return senderJson(call, changed);
    });
  }

  @Delete(':Sid')
  @HttpCode(204)
  async remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    await this.once.run(call, async () => {
      if (!isSid(sid, 'XE') || !(await this.senders.remove(call.account.sid, sid))) throw new NotFound();
      return '';
    });
  }
}

async function checked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof SenderFault)) throw error;
    throw error.field === 'Address' && error.reason.startsWith('is no') ? new ApiError(50408) : new ApiError(20001, `${error.field} (${error.reason})`);
  }
}
