/**
 * Receipts of messages outside the chat. Those of one message share a stream and come all at once, so here they wait for
 * each other: what came while an append was under way is decided together and stored as one command. One by one each would
 * lose its race against all others, and hold up the messages of its shard meanwhile (measured: 20 recipients, ten facts/s).
 */
import type { Caller } from '@parley/contracts/commands';
import { fold } from '@parley/domain/decider';
import { delivery, type DeliveryCommand, type DeliveryEvent } from '@parley/domain/delivery/delivery';
import { DomainError } from '@parley/domain/domain-error';
import { setTimeout as pause } from 'node:timers/promises';
import type { DataKeys } from './data-keys.js';
import type { Pool } from './database.js';
import type { GroupCommit } from './group-commit.js';
import { loadDelivery } from './load-state.js';
import { shardOf } from './shard.js';

/** Reports of one append; a message has at most some 50 recipients with a few reports each. */
const TOGETHER_MAX = 100;
/** Against other processes only. */
const ATTEMPTS_MAX = 8;

type Message = { account: string; conversationSid: string; messageSid: string };
type Waiting = { command: DeliveryCommand; resolve(): void; reject(error: unknown): void };

export class MessageReceipts {
  /** By message, what waits while others of it are in hand. */
  private readonly inHand = new Map<string, Waiting[]>();

  constructor(
    private readonly pool: Pool,
    private readonly commit: GroupCommit,
    private readonly keys: DataKeys,
  ) {}

  /** Resolves when stored; late and repeated reports change nothing. Throws DomainError `conversation_not_found`, and as GroupCommit does. */
  report({ account }: Caller, conversationSid: string, messageSid: string, command: DeliveryCommand): Promise<void> {
    return new Promise((resolve, reject) => {
      const id = `${account} ${conversationSid} ${messageSid}`;
      const one = { command, resolve, reject };
      const waiting = this.inHand.get(id);
      if (waiting) return void waiting.push(one);
      this.inHand.set(id, [one]);
      // Not at once: those of this turn of the event loop go together.
      setImmediate(() => void this.work(id, { account, conversationSid, messageSid }));
    });
  }

  private async work(id: string, message: Message): Promise<void> {
    const waiting = this.inHand.get(id)!;
    while (waiting.length > 0) {
      const together = waiting.splice(0, TOGETHER_MAX);
      try {
        await this.store(message, together.map(({ command }) => command));
        for (const { resolve } of together) resolve();
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.inHand.delete(id);
  }

  private async store({ account, conversationSid, messageSid }: Message, commands: DeliveryCommand[]): Promise<void> {
    const shard = shardOf(account, conversationSid);
    const stream = `delivery-${messageSid}`;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const { version, state, conversationExists } = await loadDelivery(this.pool, shard, stream, messageSid, conversationSid);
      if (!conversationExists) throw new DomainError('conversation_not_found');
      const events: DeliveryEvent[] = [];
      let after = state;
      for (const command of commands) {
        const decided = delivery.decide(command, after);
        after = fold(delivery, decided, after);
        events.push(...decided);
      }
      if (events.length === 0) return;
      const dataKey = this.keys.cached(conversationSid) ?? (await this.keys.find(conversationSid, account));
      if (!dataKey) throw new DomainError('conversation_not_found');
      const outcome = await this.commit.append({ account, shard, stream, expected: version, events, conversation: conversationSid, dataKey, nextIndex: null });
      if (outcome.status === 'ok') return;
      await pause(Math.random() * 4 * attempt);
    }
    throw new DomainError('conflicting_modification');
  }
}
