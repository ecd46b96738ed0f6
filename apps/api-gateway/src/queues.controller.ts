/** `/v1/Queues`: what waits to leave the house, and deliveries that were given up for reasons that may pass. */
import { Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { listDeliveries as filters, type ListDeliveries } from '@parley/contracts/rest/channels';
import { listDeadLetters, replayDeadLetters, type DeadLetter } from '@parley/delivery/dead-letters';
import { findDelivery, listDeliveries } from '@parley/delivery/delivery-record';
import { queueStates } from '@parley/delivery/queues';
import { isSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import { listPushRecords } from '@parley/push/push-records';
import { POOL } from '@parley/runtime/parts';
import { Filters, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { Once } from './once.js';
import { deadLetterJson, deliveryJson, pushRecordJson } from './sender-json.js';

const LISTED_MAX = 1000;

@Controller('v1/Queues')
export class QueuesController {
  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(Once) private readonly once: Once,
  ) {}

  @Get()
  async list(@TheCall() { account }: Call): Promise<string> {
    const queues = await queueStates(this.pool, account.sid);
    return JSON.stringify({ queues: queues.map(({ oldestSeconds, ...queue }) => ({ ...queue, oldest_seconds: oldestSeconds })) });
  }

  /** Those of one message, also before there are receipts; else what waits, oldest first (of a bounded part, where very many wait). At most a hundred. */
  @Get('Deliveries')
  async deliveries(@TheCall() call: Call, @Filters(filters) { MessageSid: message, Sender: sender }: ListDeliveries): Promise<string> {
    const found = await listDeliveries(this.pool, call.account.sid, message === undefined ? { sender } : { message });
    return JSON.stringify({ deliveries: found.map((each) => deliveryJson(call, each)) });
  }

  /** By the SID of its receipt, also before there is one. */
  @Get('Deliveries/:Sid')
  async delivery(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    const found = isSid(sid, 'DY') ? await findDelivery(this.pool, call.account.sid, sid) : undefined;
    if (!found) throw new NotFound();
    return JSON.stringify(deliveryJson(call, found));
  }

  /** Newest first, at most a thousand: what failed or waits, and what services keep. */
  @Get('PushNotifications')
  async pushNotifications(@TheCall() { account }: Call): Promise<string> {
    const records = await listPushRecords(this.pool, { account: account.sid, limit: LISTED_MAX });
    return JSON.stringify({ push_notifications: records.map(pushRecordJson) });
  }

  /** Oldest first, at most a thousand. */
  @Get('DeadLetters')
  async deadLetters(@TheCall() call: Call): Promise<string> {
    const found = await listDeadLetters(this.pool, { account: call.account.sid, limit: LISTED_MAX });
    return JSON.stringify({ dead_letters: found.map((each) => deadLetterJson(call, each)) });
  }

  @Get('DeadLetters/:Sid')
  async deadLetter(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    return JSON.stringify(deadLetterJson(call, await this.find(call, sid)));
  }

  /** Tried again, behind what waits for the same recipient. */
  @Post('DeadLetters/:Sid')
  @HttpCode(200)
  replay(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    return this.once.run(call, async () => {
      const { deliveryId } = await this.find(call, sid);
      if ((await replayDeadLetters(this.pool, [deliveryId])) === 0) throw new NotFound();
      return JSON.stringify({ sid: deliveryId, status: 'queued' });
    });
  }

  private async find({ account }: Call, sid: string): Promise<DeadLetter> {
    const [found] = isSid(sid, 'DY') ? await listDeadLetters(this.pool, { account: account.sid, deliveryId: sid, limit: 1 }) : [];
    if (!found) throw new NotFound();
    return found;
  }
}
