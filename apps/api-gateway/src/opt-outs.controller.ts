/** `/v1/OptOuts`: who does not want our messages, by their own keyword or noted by an agent. */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import { createOptOut, listOptOuts as filters, type CreateOptOut, type ListOptOuts } from '@parley/contracts/rest/channels';
import type { Paging } from '@parley/contracts/rest/paging';
import { findOptOut, listOptOuts, noteOptOut, optIn, type OptOut } from '@parley/delivery/opt-outs';
import { channelOf, channelOfProxy } from '@parley/domain/address';
import { isSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import { POOL } from '@parley/runtime/parts';
import { pageAt, sidCursor } from './account-access.js';
import { Filters, Form, PagingOf, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { listAnswer } from './list-answer.js';
import { Once } from './once.js';
import { optOutJson } from './sender-json.js';

@Controller('v1/OptOuts')
export class OptOutsController {
  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(Once) private readonly once: Once,
  ) {}

  @Post()
  create(@TheCall() call: Call, @Form(createOptOut) { sender, recipient }: CreateOptOut): Promise<string> {
    return this.once.run(call, async () => {
      const channel = channelOfProxy(sender);
      if (channel === undefined) throw new ApiError(20001, 'Sender');
      if (channelOf(recipient) !== channel) throw new ApiError(20001, 'Recipient');
      return optOutJson(call, await noteOptOut(this.pool, { account: call.account.sid, channel, sender, recipient }, 'agent'));
    });
  }

  @Get()
  async list(@TheCall() call: Call, @Filters(filters) { Sender, Recipient }: ListOptOuts, @PagingOf(100) paging: Paging): Promise<string> {
    const cursor = sidCursor(paging.PageToken, 'opt-outs', 'XO');
    return listAnswer({
      key: 'opt_outs', url: `${call.base}/OptOuts`, filters: [['Sender', Sender], ['Recipient', Recipient]], list: 'opt-outs', paging,
      cursor: cursor && { key: [cursor.key] as const, back: cursor.back },
      rows: await listOptOuts(this.pool, call.account.sid, { ...pageAt(cursor, paging.PageSize), sender: Sender ?? null, recipient: Recipient ?? null }),
      keyOf: ({ sid }) => [sid] as const, json: (row) => optOutJson(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    return optOutJson(call, await this.find(call, sid));
  }

  /** The person may be written to again: by the other senders of a messaging service too. */
  @Delete(':Sid')
  @HttpCode(204)
  async remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    await this.once.run(call, async () => {
      await optIn(this.pool, await this.find(call, sid));
      return '';
    });
  }

  private async find({ account }: Call, sid: string): Promise<OptOut> {
    const found = isSid(sid, 'XO') ? await findOptOut(this.pool, account.sid, sid) : undefined;
    if (!found) throw new NotFound();
    return found;
  }
}
