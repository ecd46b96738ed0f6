/** What becomes of an event in the inbox: messages go to the router, status reports to their delivery. */
import type { DeliveryReceipt, InboundMessage } from '@parley/channel/inbound-event';
import type { RouterCommands } from '@parley/contracts/commands';
import type { InboxHandlers } from '@parley/delivery/inbox';
import { noteKeyword } from '@parley/delivery/opt-outs';
import type { Receipts } from '@parley/delivery/receipts';
import type { Pool } from '@parley/event-store/database';
import { derivedSid } from '@parley/event-store/derived-sid';

export class InboundEvents implements InboxHandlers {
  constructor(
    private readonly pool: Pool,
    private readonly router: RouterCommands,
    private readonly receipts: Receipts,
  ) {}

  async message(account: string, event: InboundMessage, { reference, receivedAt }: { reference: string; receivedAt: string }) {
    if (event.kind !== 'message') await noteKeyword(this.pool, account, event);
    const { channel, from, to, text: body } = event;
    // The media themselves stay with the carrier (and their URLs in the inbox) until somebody fetches them.
    const media = event.media.map(({ contentType }, i) => ({
      sid: derivedSid('ME', account, `${reference}/${i}`), contentType, filename: null, size: 0,
    }));
    const { outcome } = await this.router.routeInbound(account, {
      channel, from, to, body, media: media.length > 0 ? media : null, providerMessageId: reference, receivedAt,
    });
    return outcome === 'routed' ? 'done' : 'unrouted';
  }

  status(account: string, event: DeliveryReceipt) {
    return this.receipts.apply(account, event);
  }
}
