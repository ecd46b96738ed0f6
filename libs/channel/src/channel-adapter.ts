/** The port to a carrier: one file per carrier fills it in, the conformance suite and a table of payloads test it. */
import type { ReceiptSid } from '@parley/domain/sid';
import type { InboundEvent } from './inbound-event.js';

/** One message to one recipient. */
export type Delivery = {
  /** Our reference: the same through every attempt. */
  deliveryId: ReceiptSid;
  sender: string;
  recipient: string;
  body: string | null;
  mediaUrls: readonly string[];
  /** ISO 8601: when it was first handed to the carrier; a lookup need not look further back. */
  firstAttemptAt: string;
};

export type RawWebhook = {
  /** As the carrier was told it: our configured public URL with path and query, never what a proxy made of it. */
  url: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
};

/** One carrier as its channel app sees it: translation in, translation out. No database, no NATS, no Nest. */
export abstract class ChannelAdapter {
  /** Checked before sending. Units in the name; where each number comes from is in docs/channels/<channel>.md. */
  abstract readonly limits: {
    bodyCharsMax: number;
    mediaBytesMax: number;
    /** So long after a send that was never answered, `lookup` may still not know it. */
    lookupDelayMillis: number;
  };

  /** One attempt. Passes `deliveryId` on as the carrier's idempotency key where it has one. Throws SendError. */
  abstract send(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] }>;

  /**
   * Asks what became of a send that was never answered; undefined: the carrier never got it. A carrier that keeps no
   * reference of ours may name messages that only look alike: the caller knows which ids are taken. Throws SendError.
   */
  lookup?(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] } | undefined>;

  /** What the carrier wants to see when a file of an inbound message is fetched; nothing for addresses that are not its own. */
  mediaHeaders(_url: string): Record<string, string> {
    return {};
  }

  /** Verifies the signature, then parses; one webhook can hold many. Throws InvalidSignature. */
  abstract parseWebhook(webhook: RawWebhook): InboundEvent[];
}
