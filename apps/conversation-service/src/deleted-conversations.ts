/**
 * Removes what a deleted conversation leaves behind. The conversation itself, its participants and its addresses are gone
 * when the caller is answered; its messages can no longer be reached then, and are removed here in bounded steps.
 */
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { LogEvent } from '@parley/domain/event';
import type { Connection, Pool } from '@parley/event-store/database';
import { LogConsumer } from '@parley/event-store/log-consumer';
import type { LogTail } from '@parley/event-store/log-tail';
import type { Config } from '@parley/runtime/config';
import { CONFIG, LOG_TAIL, POOL } from '@parley/runtime/parts';
import { logger } from '@parley/telemetry/logger';

const STEP = 5000;
const log = logger('deleted-conversations');

@Injectable()
export class DeletedConversations implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly consumer: LogConsumer;

  constructor(@Inject(POOL) pool: Pool, @Inject(LOG_TAIL) tail: LogTail, @Inject(CONFIG) config: Config) {
    this.consumer = new LogConsumer({
      name: 'deleted-conversations', pool, tail, owner: config.instance, types: ['ConversationDeleted'], gatherMillis: 100,
      handle: removeMessages, onError: (error) => log.warn('removing messages failed, trying again', { error }),
    });
  }

  onApplicationBootstrap(): Promise<void> {
    return this.consumer.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.consumer.stop();
  }
}

async function removeMessages(tx: Connection, events: LogEvent[]): Promise<void> {
  for (const { conversation } of events) {
    // Receipts first: they are found through their messages.
    await inSteps(tx, conversation, `delete from model.receipt where sid in (
      select r.sid from model.message m join model.receipt r on r.message_sid = m.sid
       where m.conversation_sid = $1 and m.recipients is not null limit ${STEP})`);
    await inSteps(tx, conversation, `delete from model.message_content where sid in (
      select sid from model.message_content where conversation_sid = $1 limit ${STEP})`);
    await inSteps(tx, conversation, `delete from model.message where ctid in (
      select ctid from model.message where conversation_sid = $1 limit ${STEP})`);
  }
}

async function inSteps(tx: Connection, conversation: string | null, statement: string): Promise<void> {
  for (let removed = STEP; removed === STEP; ) removed = (await tx.query(statement, [conversation])).rowCount ?? 0;
}
