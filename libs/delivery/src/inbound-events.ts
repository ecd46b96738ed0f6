/** What becomes of an event in the inbox: messages go to the router, pieces wait for the others, status reports go to their delivery. */
import type { DeliveryReceipt, InboundChange, InboundMessage, InboundPart } from '@parley/channel/inbound-event';
import type { RouterCommands } from '@parley/contracts/commands';
import type { Pool } from '@parley/event-store/database';
import { InboundPeople } from './inbound-people.js';
import { noteInboundMedia } from './inbound-media.js';
import type { InboxHandlers } from './inbox.js';
import { answerKeyword } from './keyword-answers.js';
import { mailThreadOf } from './mail-bodies.js';
import { MailThreads } from './mail-threads.js';
import { noteKeyword, optOut, type OptOutReason } from './opt-outs.js';
import type { Parts } from './parts.js';
import type { Receipts } from './receipts.js';
import { messagesUpTo } from './up-to.js';

export class InboundEvents implements InboxHandlers {
  private readonly people: InboundPeople;
  private readonly mail: MailThreads;

  constructor(
    private readonly pool: Pool,
    private readonly router: RouterCommands,
    private readonly receipts: Receipts,
    private readonly parts: Parts,
  ) {
    this.people = new InboundPeople(pool, router);
    this.mail = new MailThreads(pool);
  }

  async message(account: string, event: InboundMessage, { reference, receivedAt }: { reference: string; receivedAt: string }) {
    if (event.kind !== 'message') await answerKeyword(this.pool, account, event, reference, await noteKeyword(this.pool, account, event));
    const { channel } = event;
    const echo = event.kind === 'echo';
    // Of an echo we are the sender.
    const to = echo ? event.from : event.to;
    const understood = await (echo ? this.people.understandEcho(account, event) : this.people.understand(account, event, receivedAt));
    const media = await noteInboundMedia(this.pool, account, { ...event, to }, reference);
    const routing = await this.router.routeInbound(account, { channel, to, ...understood, ...(echo && { echo }), ...mailThreadOf(event), ...(event.group && { group: event.group }), media, providerMessageId: reference, receivedAt });
    await this.people.routed(account, event, understood.from, routing);
    if (routing.outcome === 'unrouted') return 'unrouted' as const;
    if (routing.outcome === 'told') return 'told' as const;
    await this.mail.noteInbound(account, event, routing.conversationSid, routing.index);
    return 'done' as const;
  }

  async other(account: string, event: InboundPart | InboundChange, { carrier }: { carrier: string }) {
    if (event.kind === 'part') await this.parts.add(account, carrier, event);
    else return this.people.change(account, carrier, event);
    return 'done' as const;
  }

  async status(account: string, event: DeliveryReceipt) {
    if (event.suppress) await this.suppress(account, event, event.suppress);
    if (event.upTo === undefined) return this.receipts.apply(account, event);
    const { events, pending } = await messagesUpTo(this.pool, account, event);
    await Promise.all(events.map((one) => this.receipts.apply(account, one)));
    return pending ? ('unmatched' as const) : ('done' as const);
  }

  /** Nothing more goes from this sender to this person: as the delivery says, whatever the carrier calls them. */
  private async suppress(account: string, { channel, from, to, providerMessageId, deliveryId }: DeliveryReceipt, reason: OptOutReason): Promise<void> {
    const { rows: [row] } = await this.pool.query<{ sender: string; recipient: string }>(
      `(select sender, recipient from delivery.delivery where delivery_id = $2 and account = $1 limit 1) union all
       (select sender, recipient from delivery.delivery where account = $1 and provider_message_ids[1] = $3 and provider_message_ids <> '{}' limit 1)`,
      [account, deliveryId ?? null, providerMessageId],
    );
    // Anybody can write a report by mail: without a delivery of ours it says nothing.
    if (!row && channel === 'email') return;
    await optOut(this.pool, { account, channel, sender: row?.sender ?? from, recipient: row?.recipient ?? to }, reason);
  }
}
