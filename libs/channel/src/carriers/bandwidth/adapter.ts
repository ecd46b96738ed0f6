/**
 * Bandwidth's Messaging API v2 (channel facts, 1.5). Our reference is the message's tag and comes back with every callback. A
 * send that was never answered is found again among what the account sent: by numbers and time, as texts are not kept there.
 */
import { timingSafeEqual } from 'node:crypto';
import type { CarrierConnection } from '../../carrier-definition.js';
import { ChannelAdapter, type Delivery, type RawWebhook } from '../../channel-adapter.js';
import { basicAuthorization, callCarrier, jsonOf, noAnswer, refusalOf } from '../../http-call.js';
import type { InboundEvent } from '../../inbound-event.js';
import { listOf, nameOf, objectOf } from '../../inbound-values.js';
import { InvalidSignature } from '../../send-error.js';
import { LINKED_BYTES_MAX } from '../../sms/media-rules.js';
import { originOf, outgoingSms } from '../../sms/sms-settings.js';
import { OF_GROUP, parseBandwidthCallback } from './callback.js';
import type { BandwidthCredentials, BandwidthSettings } from './definition.js';

/** 3.75 MB is what they take; carriers behind them pass on less (channel facts, 1.11). */
const mms = { bytesMax: 1_000_000, otherBytesMax: 600_000, filesMax: 10 };
/** Their clock may differ from ours. */
const CLOCK_SKEW_MILLIS = 60_000;

export class BandwidthSms extends ChannelAdapter {
  override readonly limits = { bodyCharsMax: 2_048, mediaBytesMax: LINKED_BYTES_MAX, lookupDelayMillis: 60_000 };
  private readonly messagesUrl: string;
  private readonly authorization: string;

  constructor(private readonly connection: CarrierConnection<BandwidthCredentials, BandwidthSettings>) {
    super();
    const { credentials: { accountId, username, password }, settings } = connection;
    this.messagesUrl = `${originOf(settings, 'https://messaging.bandwidth.com')}/api/v2/users/${accountId}/messages`;
    this.authorization = basicAuthorization(username, password);
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] }> {
    const { settings } = this.connection;
    const { text, media } = outgoingSms(delivery, mms, settings);
    const answer = await callCarrier(this.messagesUrl, {
      json: {
        applicationId: settings.applicationId, to: [delivery.recipient, ...(delivery.group ?? [])], from: delivery.sender, tag: delivery.group?.length ? `${delivery.deliveryId}${OF_GROUP}` : delivery.deliveryId,
        ...(text !== null && { text }), ...(media.length > 0 && { media: media.map(({ url }) => url) }),
      },
      headers: { authorization: this.authorization }, signal, lookup: this.connection.lookup,
    });
    if (!answer.ok) throw refusalOf(answer, faultIn(jsonOf(answer)), { words: wordsIn(jsonOf(answer)) });
    const id = nameOf(jsonOf(answer)['id']);
    if (id === undefined) throw noAnswer('no id');
    return { providerMessageIds: [id] };
  }

  override async lookup({ sender, recipient, firstAttemptAt }: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] } | undefined> {
    const query = new URLSearchParams({
      sourceTn: sender, destinationTn: recipient, messageDirection: 'OUTBOUND',
      fromDateTime: new Date(Date.parse(firstAttemptAt) - CLOCK_SKEW_MILLIS).toISOString(),
    });
    const answer = await callCarrier(`${this.messagesUrl}?${query}`, { headers: { authorization: this.authorization }, signal, lookup: this.connection.lookup });
    if (!answer.ok) throw refusalOf(answer);
    const ids = listOf(jsonOf(answer)['messages']).map((message) => nameOf(objectOf(message)['messageId'])).filter((id) => id !== undefined);
    return ids.length > 0 ? { providerMessageIds: ids } : undefined;
  }

  override parseWebhook({ headers, body }: RawWebhook): InboundEvent[] {
    const { callbackUsername, callbackPassword } = this.connection.credentials;
    const given = Buffer.from(typeof headers['authorization'] === 'string' ? headers['authorization'] : '');
    const wanted = Buffer.from(basicAuthorization(callbackUsername, callbackPassword));
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new InvalidSignature(401);
    return parseBandwidthCallback(body.toString(), this.connection.settings);
  }

  override mediaHeaders(url: string): Record<string, string> {
    return new URL(url).origin === new URL(this.messagesUrl).origin ? { authorization: this.authorization } : {};
  }
}

/** The kind of refusal, and which fields are to blame. */
const wordsIn = (answer: Record<string, unknown>): string =>
  [nameOf(answer['type']), ...listOf(answer['fieldErrors']).map((field) => nameOf(objectOf(field)['fieldName']))].filter(Boolean).join(' ');

/** Requests are refused without a code; only the field that is wrong is named. */
function faultIn(answer: Record<string, unknown>) {
  const fields = listOf(answer['fieldErrors']).map((field) => String(objectOf(field)['fieldName']));
  if (fields.some((field) => /^to\b/.test(field))) return 'invalid_recipient';
  if (fields.some((field) => /^from\b/.test(field))) return 'not_our_sender';
  if (fields.some((field) => /^text\b/.test(field))) return 'too_long';
  return fields.some((field) => /^media\b/.test(field)) ? 'media_unavailable' : undefined;
}
