/**
 * Plivo's Message API (channel facts, 1.4). Our reference travels in the address of the message's receipts; a send that was
 * never answered is found again in the message list by numbers and time, as the list has no texts.
 */
import type { CarrierConnection } from '../../carrier-definition.js';
import type { CarrierFaultName } from '../../carrier-errors.js';
import { ChannelAdapter, type Delivery, type RawWebhook } from '../../channel-adapter.js';
import { basicAuthorization, callCarrier, jsonOf, noAnswer, refusalOf } from '../../http-call.js';
import type { InboundEvent } from '../../inbound-event.js';
import { listOf, nameOf, objectOf } from '../../inbound-values.js';
import { InvalidSignature } from '../../send-error.js';
import { LINKED_BYTES_MAX } from '../../sms/media-rules.js';
import { withoutPlus } from '../../sms/numbers.js';
import { originOf, outgoingSms } from '../../sms/sms-settings.js';
import type { PlivoCredentials, PlivoSettings } from './definition.js';
import { isPlivoSignature } from './signature.js';
import { parsePlivoWebhook } from './webhook.js';

/** 5 MB is what they take; 600 KB arrive at every carrier's handsets (channel facts, 1.11). */
const mms = { bytesMax: 1_000_000, otherBytesMax: 600_000, filesMax: 10 };
const LOOKUP_PAGE = 20;
const CLOCK_SKEW_MILLIS = 60_000;
const MEDIA_ORIGIN = 'https://media.plivo.com';

export class PlivoSms extends ChannelAdapter {
  override readonly limits = { bodyCharsMax: 1_600, mediaBytesMax: LINKED_BYTES_MAX, lookupDelayMillis: 60_000 };
  private readonly messagesUrl: string;
  private readonly authorization: string;

  constructor(private readonly connection: CarrierConnection<PlivoCredentials, PlivoSettings>) {
    super();
    const { authId, authToken } = connection.credentials;
    this.messagesUrl = `${originOf(connection.settings, 'https://api.plivo.com')}/v1/Account/${authId}/Message/`;
    this.authorization = basicAuthorization(authId, authToken);
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] }> {
    const { settings, webhookUrl } = this.connection;
    const { text, media } = outgoingSms(delivery, mms, settings);
    const answer = await callCarrier(this.messagesUrl, {
      json: {
        ...(settings.powerpackUuid === undefined ? { src: withoutPlus(delivery.sender) } : { powerpack_uuid: settings.powerpackUuid }),
        dst: withoutPlus(delivery.recipient), type: media.length > 0 ? 'mms' : 'sms',
        ...(text !== null && { text }), ...(media.length > 0 && { media_urls: media.map(({ url }) => url) }),
        url: `${webhookUrl}?delivery=${delivery.deliveryId}`, method: 'POST',
      },
      headers: { authorization: this.authorization }, signal, lookup: this.connection.lookup,
    });
    if (!answer.ok) throw refusalOf(answer, faultIn(jsonOf(answer)['error']), { words: jsonOf(answer)['error'] });
    const ids = listOf(jsonOf(answer)['message_uuid']).map(nameOf).filter((id) => id !== undefined);
    if (ids.length === 0) throw noAnswer('no message_uuid');
    return { providerMessageIds: ids };
  }

  override async lookup({ sender, recipient, firstAttemptAt }: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] } | undefined> {
    const query = new URLSearchParams({
      message_direction: 'outbound', to_number: withoutPlus(recipient), limit: String(LOOKUP_PAGE),
      message_time__gte: new Date(Date.parse(firstAttemptAt) - CLOCK_SKEW_MILLIS).toISOString().slice(0, 19).replace('T', ' '),
    });
    const answer = await callCarrier(`${this.messagesUrl}?${query}`, { headers: { authorization: this.authorization }, signal, lookup: this.connection.lookup });
    if (!answer.ok) throw refusalOf(answer);
    const alike = listOf(jsonOf(answer)['objects']).map(objectOf).filter(({ to_number, from_number }) =>
      numberOf(to_number) === withoutPlus(recipient)
      && (this.connection.settings.powerpackUuid !== undefined || numberOf(from_number) === withoutPlus(sender)));
    const ids = alike.map(({ message_uuid }) => nameOf(message_uuid)).filter((id) => id !== undefined);
    return ids.length > 0 ? { providerMessageIds: ids } : undefined;
  }

  override parseWebhook({ method, url, headers, body }: RawWebhook): InboundEvent[] {
    const [signature, nonce] = [headers['x-plivo-signature-v3'], headers['x-plivo-signature-v3-nonce']];
    const form = new URLSearchParams(method === 'GET' ? '' : body.toString());
    if (typeof signature !== 'string' || typeof nonce !== 'string'
      || !isPlivoSignature(this.connection.credentials.authToken, signature, method, url, form, nonce)) throw new InvalidSignature();
    const query = new URL(url).searchParams;
    return parsePlivoWebhook(method === 'GET' ? query : form, query.get('delivery'), this.connection.settings);
  }

  override mediaHeaders(url: string): Record<string, string> {
    return [MEDIA_ORIGIN, new URL(this.messagesUrl).origin].includes(new URL(url).origin) ? { authorization: this.authorization } : {};
  }
}

/** Requests are refused without a code; what is wrong is named by its parameter. */
const faults: readonly (readonly [words: RegExp, fault: CarrierFaultName])[] = [[/\bdst\b/, 'invalid_recipient'], [/\bsrc\b/, 'not_our_sender'], [/\bmedia/, 'media_unavailable']];
const faultIn = (error: unknown): CarrierFaultName | undefined => (typeof error === 'string' ? faults.find(([words]) => words.test(error))?.[1] : undefined);

const numberOf = (value: unknown) => withoutPlus(nameOf(value) ?? '');
