/** What becomes of an event in the inbox: messages go to the router, status reports to their delivery. */
import type { DeliveryReceipt, InboundChange, InboundMessage, InboundPart } from '@parley/channel/inbound-event';
import type { RouterCommands } from '@parley/contracts/commands';
import type { InboxHandlers } from '@parley/delivery/inbox';
import { noteKeyword } from '@parley/delivery/opt-outs';
import type { Receipts } from '@parley/delivery/receipts';
import type { Pool } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import { noteInboundMedia } from './inbound-media.js';

const log = logger('inbound-events');

export class InboundEvents implements InboxHandlers {
  constructor(
    private readonly pool: Pool,
    private readonly router: RouterCommands,
    private readonly receipts: Receipts,
  ) {}

  async message(account: string, event: InboundMessage, { reference, receivedAt }: { reference: string; receivedAt: string }) {
    if (event.kind !== 'message') await noteKeyword(this.pool, account, event);
    const { channel, from, to, text: body } = event;
    const media = await noteInboundMedia(this.pool, account, event, reference);
    const { outcome } = await this.router.routeInbound(account, {
      channel, from, to, body, media, providerMessageId: reference, receivedAt,
    });
    return outcome === 'routed' ? 'done' : 'unrouted';
  }

  /** None of the carriers here says these yet. */
  async other(_account: string, { kind }: InboundPart | InboundChange) {
    log.info('event passed over', { kind });
    return 'done' as const;
  }

  status(account: string, event: DeliveryReceipt) {
    return this.receipts.apply(account, event);
  }
}
