/** The port to a carrier: one folder per carrier fills it in, the conformance suite and a table of payloads test it. */
import type { ConversationSid, ReceiptSid } from '@parley/domain/sid';
import type { Readable } from 'node:stream';
import type { InboundEvent } from './inbound-event.js';

/** A file of a message on its way out. */
export type OutboundMedia = {
  /** Temporary and signed where the file is ours: for carriers that fetch. */
  url: string;
  /** null where only the address is known, as in a content template. */
  contentType: string | null;
  filename: string | null;
  bytes: number | null;
  /** For carriers that are handed the bytes; absent where the file is not ours. */
  open?(): Promise<Readable>;
};

/** One message to one recipient. */
export type Delivery = {
  /** Our reference: the same through every attempt. */
  deliveryId: ReceiptSid;
  /** It failed by this many other ways before: what a carrier has of those is another message (`attemptKeyOf`). */
  way?: number;
  /** For channels whose answers can be led back by an address of our making. */
  conversationSid?: ConversationSid;
  sender: string;
  recipient: string;
  body: string | null;
  media: readonly OutboundMedia[];
  /** ISO 8601: when it was first handed to the carrier; a lookup need not look further back. */
  firstAttemptAt: string;
  /** What a content template says in this channel's own form (buttons, lists, an approved template), beside body and media. */
  rich?: Readonly<Record<string, unknown>>;
  /** The carrier's id of the message this one answers, the newest that is known. */
  inReplyTo?: string;
  /** Email alone: what stands above the text, and the thread it belongs to, oldest first. */
  subject?: string;
  references?: readonly string[];
  /** Nobody wrote it: an answer of a machine of ours, which machines must not answer. */
  automatic?: true;
  /** The author as the recipient may see them. */
  authorName?: string;
  /** Where a channel has groups: the other people of the group, without sender and recipient. */
  group?: readonly string[];
};

/** For carriers with an idempotency key: the same for every attempt of one way. */
export const attemptKeyOf = ({ deliveryId, way }: Delivery): string => (way ? `${deliveryId}.${way}` : deliveryId);

/** What a carrier answered to a message it took. */
export type Sent = {
  providerMessageIds: string[];
  /** Other addresses it knows this person by: WhatsApp writes some numbers otherwise than people do, and has ids of its own. */
  recipient?: { alsoKnownAs: readonly string[] };
  /** It is on its way already, and the carrier may never say so. */
  status?: 'sent';
};

export type RawWebhook = {
  method: string;
  /** As the carrier was told it: our configured public URL with path and query, never what a proxy made of it. */
  url: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The bytes as they came: signatures are over these. */
  body: Buffer;
};

/** What a carrier wants to hear when its webhook was taken. */
export type WebhookAnswer = { status: number; contentType: string; body: string };

/** Where a carrier that is listened to (SMPP, IMAP, SMTP) leaves what came. */
export type InboundSink = {
  /** Resolves once the events are stored: only then may the carrier be told that we have them. */
  receive(events: InboundEvent[]): Promise<void>;
};

export type ChannelLimits = {
  bodyCharsMax: number;
  mediaBytesMax: number;
  /** Files of one message; default 10. */
  mediaMax?: number;
  /** Free text only in the 24 hours after the person wrote; after that, approved templates. */
  replyWindow?: true;
  /** So long after a send that was never answered, `lookup` may still not know it. */
  lookupDelayMillis: number;
};

/** One carrier as its channel app sees it: translation in, translation out. No database, no NATS, no Nest. */
export abstract class ChannelAdapter {
  /** Checked before sending. Units in the name; where each number comes from is in docs/channels/<channel>.md. */
  abstract readonly limits: ChannelLimits;

  /** One attempt. Passes `deliveryId` on as the carrier's idempotency key where it has one. Throws SendError. */
  abstract send(delivery: Delivery, signal: AbortSignal): Promise<Sent>;

  /** The id by which the recipient's own program will name the message in an answer (Message-ID), where that is known before it is sent. */
  answeredBy?(delivery: Pick<Delivery, 'deliveryId'>): string | undefined;

  /**
   * Asks what became of a send that was never answered; undefined: the carrier never got it. A carrier that keeps no
   * reference of ours may name messages that only look alike: the caller knows which ids are taken. Throws SendError.
   */
  lookup?(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] } | undefined>;

  /** Tells the person that this message of theirs was read; with `typing` that somebody is writing. Throws SendError. */
  markRead?(about: { sender: string; providerMessageId: string; typing?: boolean }, signal: AbortSignal): Promise<void>;

  /** What the carrier wants to see when a file of an inbound message is fetched; nothing for addresses that are not its own. */
  mediaHeaders(_url: string): Record<string, string> {
    return {};
  }

  /** For carriers that name files by an id: the address it is at now. Throws SendError. */
  resolveMedia?(url: string, signal: AbortSignal): Promise<string>;

  /** Verifies the signature, then parses; one webhook can hold many. Throws InvalidSignature. */
  abstract parseWebhook(webhook: RawWebhook): InboundEvent[] | Promise<InboundEvent[]>;

  /** What a webhook that was taken is answered with. */
  readonly answer: WebhookAnswer = { status: 200, contentType: 'text/plain', body: '' };

  /** A carrier that first asks, by GET, whether this address is meant. Throws InvalidSignature. */
  handshake?(webhook: RawWebhook): WebhookAnswer;

  /** Carriers that keep a session (SMPP) or are polled (IMAP) or call in (SMTP): open until `close`. Reconnects by itself. */
  listen?(sink: InboundSink): Promise<void>;
  close?(): Promise<void>;
}
