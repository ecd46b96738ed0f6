/** The sending half of a channel app: takes the jobs of its channel from the work queue and has them dispatched. */
import type { ConversationCommands } from '@parley/contracts/commands';
import type { Pool } from '@parley/event-store/database';
import type { Connection } from '@parley/messaging/connection';
import { WorkQueue } from '@parley/messaging/work-queue';
import type { Carriers } from './carriers.js';
import { DeliveryStore } from './delivery-store.js';
import { Dispatcher, type Complete } from './dispatcher.js';
import { DELIVER_QUEUE, jobSubject, type Lane } from './lane.js';
import type { Files } from './outgoing.js';
import { Receipts } from './receipts.js';
import { PATIENCE_MILLIS, type SendRate } from './send-rate.js';
import { usualRetries, type RetryPolicy } from './retry-policy.js';

/** Jobs looked at together; they only wake lanes, so none takes long. */
const JOBS_AT_ONCE = 64;
/** After a call, until its end is stored. */
const SETTLING_MILLIS = 5_000;

export type DeliveryWorkerOptions = {
  channel: string;
  pool: Pool;
  nats: Connection;
  /** Identity of this instance, for the record of attempts. */
  owner: string;
  carriers: Carriers;
  conversations: ConversationCommands;
  files: Files;
  complete?: Complete;
  timeoutMillis: number;
  /** Calls in flight per sender. */
  concurrency: number;
  unanswered: RetryPolicy['unanswered'];
  rate?: SendRate;
};

export class DeliveryWorker {
  private readonly dispatcher: Dispatcher;
  private queue: WorkQueue | undefined;

  constructor(private readonly options: DeliveryWorkerOptions) {
    const { pool, owner, carriers, conversations, files, complete, timeoutMillis, concurrency, unanswered, rate } = options;
    this.dispatcher = new Dispatcher({
      store: new DeliveryStore(pool, owner, PATIENCE_MILLIS + timeoutMillis + SETTLING_MILLIS), carriers, files, ...(complete && { complete }), receipts: new Receipts(pool, conversations), timeoutMillis, concurrency,
      retries: { ...usualRetries, unanswered }, ...(rate && { rate }), onMoved: (lane) => this.publish(lane),
    });
  }

  /** For whichever app has the lane's channel; what is lost on the way, the sweeper finds. */
  publish(lane: Lane): void {
    this.queue?.publish(jobSubject(lane), lane);
  }

  async start(): Promise<void> {
    const { channel, nats } = this.options;
    this.queue = await WorkQueue.open(nats, DELIVER_QUEUE);
    // A job is done once its lane is woken: what there is to do is in the table, and the sweeper asks for it again.
    this.queue.consume({
      durable: `deliver-${channel}`, filter: `deliver.${channel}.>`, concurrency: JOBS_AT_ONCE,
      handler: async (lane) => {
        this.dispatcher.wake(lane as Lane);
        return 'done';
      },
    });
  }

  async stop(): Promise<void> {
    await this.queue?.close();
    await this.dispatcher.stop();
  }
}
