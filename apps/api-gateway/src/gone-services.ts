/**
 * Services that were deleted a moment ago: what they held goes one by one (deleted-services.ts of conversation-service) and answers no more
 * from the moment of the deletion. Other instances are told; one that does not hear of it answers until what it is asked for is gone.
 */
import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { LruMap } from '@parley/event-store/lru-map';
import type { Connection } from '@parley/messaging/connection';
import { NATS } from '@parley/runtime/parts';
import { logger } from '@parley/telemetry/logger';

/** With its SID. */
const SERVICE_GONE = 'service.gone';
const KNOWN_MAX = 10_000;
const log = logger('api-gateway');

@Injectable()
export class GoneServices implements BeforeApplicationShutdown {
  private readonly gone = new LruMap<string, true>(KNOWN_MAX);
  private readonly subscription: { unsubscribe(): void };

  constructor(@Inject(NATS) private readonly bus: Connection) {
    this.subscription = bus.nats.subscribe(SERVICE_GONE, { callback: (error, message) => { if (!error) this.gone.set(message.string(), true); } });
  }

  has(service: string): boolean { return this.gone.get(service) === true; }

  add(service: string): void {
    this.gone.set(service, true);
    try {
      this.bus.nats.publish(SERVICE_GONE, service);
    } catch (error) {
      log.debug('a deleted service is not told', { error });
    }
  }

  beforeApplicationShutdown(): void { this.subscription.unsubscribe(); }
}
