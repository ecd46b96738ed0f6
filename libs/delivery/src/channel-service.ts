/**
 * All of one channel but Nest: its carriers with their sessions, what leaves (DeliveryWorker), what comes in (Inbox, pieces of
 * long messages, files). A channel app starts it and gives its webhooks to it.
 */
import { carriers as catalogue } from '@parley/channel/carriers/catalogue';
import type { RawWebhook, WebhookAnswer } from '@parley/channel/channel-adapter';
import type { CarrierChannel, InboundEvent } from '@parley/channel/inbound-event';
import type { ConversationCommands, RouterCommands } from '@parley/contracts/commands';
import { TYPING_SIGNAL } from '@parley/contracts/signals';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import type { SecretBox } from '@parley/event-store/secret-box';
import type { MediaStorage } from '@parley/media/media-storage';
import type { Connection } from '@parley/messaging/connection';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import type { Redis } from 'ioredis';
import { CarrierListeners } from './carrier-listeners.js';
import { Carriers } from './carriers.js';
import { CONNECTION_CHANGED } from './connections.js';
import { DeliveryWorker } from './delivery-worker.js';
import { InboundEvents } from './inbound-events.js';
import { InboundMedia } from './inbound-media.js';
import { MailThreads } from './mail-threads.js';
import { Inbox } from './inbox.js';
import { InboxStore } from './inbox-store.js';
import type { Files } from './outgoing.js';
import { Parts } from './parts.js';
import { ReadMarks } from './read-marks.js';
import { Receipts } from './receipts.js';
import { channelQueue } from './queues.js';
import type { RetryPolicy } from './retry-policy.js';
import { SendRate } from './send-rate.js';
import { TypingShown } from './typing-shown.js';

const SWEEP_MILLIS = 5_000;
/** Where people are shown that somebody writes to them. */
const showsTyping: ReadonlySet<CarrierChannel> = new Set<CarrierChannel>(['whatsapp']);
/** Counting reads what waits. */
const MEASURE_MILLIS = 30_000;
const log = logger('channel');
const depths = metrics.gauge('parley_queue_depth', 'Deliveries that are not with their carrier yet, by channel');
const ages = metrics.gauge('parley_queue_oldest_seconds', 'Since the oldest of them was queued');

export type ChannelServiceOptions = {
  channel: CarrierChannel;
  /** Of its own: see work-pool.ts. Ended by whoever made it. */
  pool: Pool;
  nats: Connection;
  accounts: Accounts;
  box: SecretBox;
  storage: MediaStorage;
  conversations: ConversationCommands;
  router: RouterCommands;
  files: Files;
  /** Identity of this instance, stable over its restarts. */
  instance: string;
  publicUrl: string;
  simulatorUrl: string;
  usualSettings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  timeoutMillis: number;
  /** Shares the buckets of senders and recipients with the other instances; without it each counts for itself. */
  redis?: Redis;
  /** Calls in flight per sender. */
  concurrency: number;
  unanswered: RetryPolicy['unanswered'];
  inboundMediaBytesMax: number;
  /** Files of inbound messages may lie in private networks. */
  privateAllowed: boolean;
};

/** Carriers that this channel's app opens and takes the webhooks of. */
export const carriersOf = (channel: CarrierChannel): string[] =>
  catalogue.filter(({ channels }) => channels[0] === channel).map(({ name }) => name);

export class ChannelService {
  readonly carriers: Carriers;
  readonly inbox: Inbox;
  private readonly worker: DeliveryWorker;
  private readonly media: InboundMedia;
  private readonly parts: Parts;
  private readonly readMarks: ReadMarks;
  private readonly typing: TypingShown;
  private readonly listeners: CarrierListeners;
  private endNews = (): void => {};
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<unknown> = Promise.resolve();
  private measuredAt = 0;
  private stopped = false;

  constructor(private readonly options: ChannelServiceOptions) {
    const { channel, pool, nats, accounts, box, publicUrl, simulatorUrl, usualSettings = {}, conversations, router, instance, files } = options;
    this.carriers = new Carriers({ channel, pool, box, accounts, publicUrl, simulatorUrl, usualSettings });
    this.worker = new DeliveryWorker({
      channel, pool, nats, owner: instance, carriers: this.carriers, conversations, files, ...(channel === 'email' && { complete: new MailThreads(pool).complete }),
      timeoutMillis: options.timeoutMillis, concurrency: options.concurrency, unanswered: options.unanswered, rate: new SendRate(options.redis),
    });
    this.media = new InboundMedia(pool, options.storage, this.carriers, { channel, bytesMax: options.inboundMediaBytesMax, privateAllowed: options.privateAllowed });
    this.readMarks = new ReadMarks(pool, this.carriers, channel);
    this.typing = new TypingShown(pool, this.carriers, channel);
    this.parts = new Parts(pool, () => this.inbox.soon());
    // Under a name of its own: in one process every channel has its inbox.
    this.inbox = new Inbox(new InboxStore(pool, `${instance} ${channel}`), new InboundEvents(pool, router, new Receipts(pool, conversations, (lane) => this.worker.publish(lane)), this.parts));
    this.listeners = new CarrierListeners({
      pool, carriers: this.carriers, names: carriersOf(channel), receive: (account, carrier, events) => this.receive(account, carrier, events),
    });
  }

  async start(): Promise<void> {
    const news = this.options.nats.nats.subscribe(CONNECTION_CHANGED, {
      callback: (error, message) => {
        if (error) return;
        this.carriers.drop(message.string());
        this.listeners.soon();
      },
    });
    // One of the instances is told.
    const typing = showsTyping.has(this.options.channel) ? this.options.nats.nats.subscribe(TYPING_SIGNAL, {
      queue: `typing-${this.options.channel}`,
      callback: (error, message) => { if (!error) this.typing.told(message.string()); },
    }) : undefined;
    this.endNews = () => { for (const each of [news, typing]) each?.unsubscribe(); };
    this.media.start();
    this.readMarks.start();
    await Promise.all([this.worker.start(), this.inbox.start(), this.listeners.start()]);
    this.sweepLater();
  }

  /** Sessions end last: what is being sent may need them. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    this.endNews();
    await Promise.all([this.worker.stop(), this.inbox.stop(), this.media.stop(), this.readMarks.stop(), this.typing.stop(), this.sweeping]);
    await this.listeners.stop();
    await this.carriers.close();
  }

  /** Stored when it resolves. */
  async receive(account: string, carrier: string, events: InboundEvent[]): Promise<void> {
    await this.inbox.receive(account, carrier, await this.media.keep(account, carrier, events));
  }

  /** Of a connection's own address, stored when it resolves; undefined: there is no such connection. Throws InvalidSignature. */
  async webhook(carrier: string, connection: string, raw: RawWebhook): Promise<WebhookAnswer | undefined> {
    const taken = await this.carriers.openConnectionWebhook(carrier, connection, raw);
    if (taken) await this.receive(taken.account, carrier, taken.events);
    return taken?.answer;
  }

  /** Twilio's way: one address for all, the body names the account. Throws InvalidSignature. */
  async sharedWebhook(raw: RawWebhook): Promise<WebhookAnswer> {
    const { account, carrier, events, answer } = await this.carriers.openWebhook(raw);
    await this.receive(account, carrier, events);
    return answer;
  }

  private async measure(): Promise<void> {
    if (Date.now() - this.measuredAt < MEASURE_MILLIS) return;
    this.measuredAt = Date.now();
    const { channel, pool } = this.options;
    const { depth, oldestSeconds } = await channelQueue(pool, channel);
    depths.set(depth, { channel });
    ages.set(oldestSeconds, { channel });
  }

  private sweepLater(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.sweeping = Promise.all([this.parts.sweep(), this.measure()])
        .catch((error: unknown) => log.warn('looking for pieces of messages failed', { error })).then(() => this.sweepLater());
    }, SWEEP_MILLIS);
  }
}
