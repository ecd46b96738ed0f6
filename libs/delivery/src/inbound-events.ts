/** What becomes of an event in the inbox: messages go to the router, pieces wait for the others, status reports go to their delivery. */
import type { DeliveryReceipt, InboundChange, InboundMessage, InboundPart } from '@parley/channel/inbound-event';
import type { RouterCommands } from '@parley/contracts/commands';
import type { Pool } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import { noteInboundMedia } from './inbound-media.js';
import type { InboxHandlers } from './inbox.js';
import { noteKeyword } from './opt-outs.js';
import type { Parts } from './parts.js';
import type { Receipts } from './receipts.js';

const log = logger('inbound-events');

export class InboundEvents implements InboxHandlers {
  constructor(
    private readonly pool: Pool,
    private readonly router: RouterCommands,
    private readonly receipts: Receipts,
    private readonly parts: Parts,
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

  async other(account: string, event: InboundPart | InboundChange, { carrier }: { carrier: string }) {
    if (event.kind === 'part') await this.parts.add(account, carrier, event);
    else log.info('event passed over', { kind: event.kind, ...(event.kind === 'ignore' && { reason: event.reason }) });
    return 'done' as const;
  }

  status(account: string, event: DeliveryReceipt) {
    return this.receipts.apply(account, event);
  }
}
