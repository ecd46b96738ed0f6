/// <reference types="jest" />
/** Deliveries in a real database, and a carrier under the spec's control. */
import { carrierNamed } from '@parley/channel/carriers/catalogue';
import { ChannelAdapter, type Delivery } from '@parley/channel/channel-adapter';
import type { ReportDelivery, ConversationCommands } from '@parley/contracts/commands';
import { newSid, type AccountSid, type ReceiptSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import type { Carriers } from './carriers.js';
import { DeliveryStore } from './delivery-store.js';
import { Dispatcher } from './dispatcher.js';
import type { Lane } from './lane.js';
import { Receipts } from './receipts.js';

/** Polls until the condition holds; throws after a minute. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await condition()); ) {
    if (Date.now() > end) throw new Error(`still not so: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export class PlayedCarrier extends ChannelAdapter {
  override readonly limits = { bodyCharsMax: 1600, mediaBytesMax: 1000, lookupDelayMillis: 0 };
  readonly sent: Delivery[] = [];
  readonly asked: Delivery[] = [];
  /** What it knows, by our reference. */
  readonly known = new Map<ReceiptSid, string>();
  inFlight = 0;
  mostInFlight = 0;
  /** Runs inside `send`; what it throws is the outcome. */
  respond: (delivery: Delivery, signal: AbortSignal) => Promise<void> | void = () => {};

  override async send(delivery: Delivery, signal: AbortSignal) {
    this.sent.push(delivery);
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
    try {
      await this.respond(delivery, signal);
    } finally {
      this.inFlight--;
    }
    return { providerMessageIds: [this.take(delivery)] };
  }
  override async lookup(delivery: Delivery) {
    this.asked.push(delivery);
    const { deliveryId } = delivery;
    const id = this.known.get(deliveryId);
    return id === undefined ? undefined : { providerMessageIds: [id] };
  }
  override parseWebhook(): never { throw new Error('not played here'); }

  take({ deliveryId }: Delivery): string {
    const id = this.known.get(deliveryId) ?? newSid('SM');
    this.known.set(deliveryId, id);
    return id;
  }
  bodies = (): (string | null)[] => this.sent.map(({ body }) => body);
}

export class PlayedConversations implements Pick<ConversationCommands, 'reportDelivery'> {
  readonly reports: ReportDelivery[] = [];
  fails: Error | undefined;
  reportDelivery: ConversationCommands['reportDelivery'] = async (_caller, _sid, data) => {
    if (this.fails) throw this.fails;
    this.reports.push(data);
  };
  statusesOf = (receiptSid: string) => this.reports.filter((report) => report.receiptSid === receiptSid).map(({ status }) => status);
}

export type Row = { state: string; attempt: number; error_code: number; dead_letter: boolean; provider_message_ids: string[]; reported: string | null };

export class DeliveryBench {
  account: AccountSid = newSid('AC');
  carrier = new PlayedCarrier();
  readonly carriers = { adapterFor: async () => this.carrier, definition: carrierNamed } as unknown as Carriers;
  readonly played = new PlayedConversations();
  readonly conversations = this.played as unknown as ConversationCommands;
  private next = 0;

  private constructor(readonly db: TestDatabase) {}

  static async open(): Promise<DeliveryBench> {
    const bench = new DeliveryBench(await testDatabase());
    await bench.begin();
    return bench;
  }

  /** Nothing stored, and what `begin` says. */
  async clear(): Promise<void> {
    await this.db.pool.query('truncate media.media, model.message_content, delivery.delivery, delivery.attempt, delivery.sender, delivery.opt_out, delivery.inbox, delivery.connection, delivery.part, delivery.contact, delivery.reply_window, delivery.inbound_message, delivery.read_mark, delivery.routing_policy, model.message, model.address_binding cascade');
    await this.begin();
  }

  /** A new account, a carrier that accepts. */
  private async begin(): Promise<void> {
    this.account = newSid('AC');
    this.carrier = new PlayedCarrier();
    this.played.reports.length = 0;
    await this.db.pool.query(
      "insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')",
      [this.account, this.db.box.seal('token')],
    );
  }

  /** A dispatcher that tries again at once, and the receipts it writes; it goes on with what moves to another way. */
  dispatching(): { dispatcher: Dispatcher; receipts: Receipts } {
    const wake = (lane: Lane) => dispatcher.wake(lane);
    const receipts = new Receipts(this.db.pool, this.conversations, wake);
    const dispatcher = new Dispatcher({
      store: new DeliveryStore(this.db.pool, 'one'), carriers: this.carriers, receipts, onMoved: wake, files: { urlOf: (sid) => `https://p.example/${sid}` },
      retries: { attemptsMax: 3, pauseMillis: 0, pauseMillisMax: 0, unanswered: 'retry' },
    });
    return { dispatcher, receipts };
  }

  lane(recipient = `+1555${String(this.next++).padStart(7, '0')}`, sender = '+15550100001'): Lane {
    return { account: this.account, channel: 'sms', sender, recipient };
  }

  /** A stored message and its queued delivery. */
  async queue(lane: Lane, body: string, deadlineSeconds = 600): Promise<ReceiptSid> {
    const [conversation, message, deliveryId] = [newSid('CH'), newSid('IM'), newSid('DY')];
    await this.db.pool.query(
      `insert into model.message (conversation_sid, index, sid, author, body, attributes, created_at, updated_at)
       values ($1, 0, $2, 'system', $3, '{}', now(), now())`, [conversation, message, body],
    );
    await this.db.pool.query(
      `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline)
       values ($1, $2, $3, $4, 0, $5, $6, $7, $8, now() + $9 * interval '1 s')`,
      [deliveryId, lane.account, conversation, message, newSid('MB'), lane.channel, lane.sender, lane.recipient, deadlineSeconds],
    );
    return deliveryId;
  }

  async row(deliveryId: string): Promise<Row> {
    const { rows } = await this.db.pool.query<Row>(
      'select state, attempt, error_code, dead_letter, provider_message_ids, reported from delivery.delivery where delivery_id = $1', [deliveryId],
    );
    return rows[0]!;
  }
  async attempts(deliveryId: string): Promise<Array<string | null>> {
    const { rows } = await this.db.pool.query<{ outcome: string | null }>(
      'select outcome from delivery.attempt where delivery_id = $1 order by attempt', [deliveryId],
    );
    return rows.map(({ outcome }) => outcome);
  }
  state = async (deliveryId: string) => (await this.row(deliveryId)).state;
  reaches = (deliveryId: string, state: string) => until(async () => (await this.state(deliveryId)) === state);
  /** As if time had passed: pauses and leases of everything are over. */
  later = () => this.db.pool.query("update delivery.delivery set due_at = now() where state in ('queued', 'sending', 'unknown')");
}
