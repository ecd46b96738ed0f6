/**
 * Telnyx Messaging v2 (channel facts, 1.3). The API keeps no reference of ours and has no list of messages: our reference
 * travels in the address that each message's receipts go to, and a send that was never answered is told by its first receipt.
 */
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { CarrierConnection } from '../../carrier-definition.js';
import { ChannelAdapter, type Delivery, type RawWebhook } from '../../channel-adapter.js';
import { callCarrier, jsonOf, noAnswer, refusalOf, type HttpAnswer } from '../../http-call.js';
import type { InboundEvent } from '../../inbound-event.js';
import { listOf, meaningOf, nameOf, objectOf } from '../../inbound-values.js';
import { InvalidSignature } from '../../send-error.js';
import { LINKED_BYTES_MAX } from '../../sms/media-rules.js';
import { originOf, outgoingSms } from '../../sms/sms-settings.js';
import type { TelnyxCredentials, TelnyxSettings } from './definition.js';
import { telnyxCodes } from './errors.js';
import { parseTelnyxWebhook } from './webhook.js';

/** Total under 1 MB; at most 10 files. */
const mms = { bytesMax: 1_000_000, filesMax: 10 };
const TOLERANCE_SECONDS = 300;
/** DER of an Ed25519 public key, before its 32 bytes. */
const ED25519_PREFIX = '302a300506032b6570032100';

export class TelnyxSms extends ChannelAdapter {
  /** Ten parts of a text; larger files go as links. */
  override readonly limits = { bodyCharsMax: 1_600, mediaBytesMax: LINKED_BYTES_MAX, lookupDelayMillis: 60_000 };
  private readonly messagesUrl: string;
  private readonly publicKey: KeyObject;

  constructor(
    private readonly connection: CarrierConnection<TelnyxCredentials, TelnyxSettings>,
    private readonly now = () => Date.now(),
  ) {
    super();
    this.messagesUrl = `${originOf(connection.settings, 'https://api.telnyx.com')}/v2/messages`;
    const raw = Buffer.from(connection.credentials.publicKey, 'base64');
    this.publicKey = createPublicKey({ key: Buffer.concat([Buffer.from(ED25519_PREFIX, 'hex'), raw]), format: 'der', type: 'spki' });
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] }> {
    const { credentials, settings, webhookUrl } = this.connection;
    const { text, media } = outgoingSms(delivery, mms, settings);
    const group = delivery.group ?? [];
    const answer = await callCarrier(group.length > 0 ? `${this.messagesUrl}/group_mms` : this.messagesUrl, {
      json: {
        from: delivery.sender, to: group.length > 0 ? [delivery.recipient, ...group] : delivery.recipient,
        ...(text !== null && { text }), ...(media.length > 0 && { media_urls: media.map(({ url }) => url) }),
        ...(settings.messagingProfileId !== undefined && { messaging_profile_id: settings.messagingProfileId }),
        webhook_url: `${webhookUrl}?delivery=${delivery.deliveryId}${group.length > 0 ? '&group' : ''}`, use_profile_webhooks: false,
      },
      headers: { authorization: `Bearer ${credentials.apiKey}` }, signal, lookup: this.connection.lookup,
    });
    if (!answer.ok) throw refusalOf(answer, meaningOf(telnyxCodes, codeIn(answer)), { code: codeIn(answer) });
    const id = nameOf(objectOf(jsonOf(answer)['data'])['id']);
    if (id === undefined) throw noAnswer('no id');
    return { providerMessageIds: [id] };
  }

  override parseWebhook({ url, headers, body }: RawWebhook): InboundEvent[] {
    this.verify(headers['telnyx-timestamp'], headers['telnyx-signature-ed25519'], body);
    const { searchParams } = new URL(url);
    return parseTelnyxWebhook(jsonOf({ text: body.toString() }), { deliveryId: searchParams.get('delivery'), group: searchParams.has('group') }, this.connection.settings);
  }

  /** The timestamp is part of what is signed: what was overheard can be repeated for five minutes only. */
  private verify(timestamp: unknown, signature: unknown, body: Buffer): void {
    if (typeof timestamp !== 'string' || typeof signature !== 'string' || !/^\d{1,12}$/.test(timestamp)) throw new InvalidSignature();
    if (Math.abs(this.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) throw new InvalidSignature();
    const signed = Buffer.concat([Buffer.from(`${timestamp}|`), body]);
    if (!verify(null, signed, this.publicKey, Buffer.from(signature, 'base64'))) throw new InvalidSignature();
  }
}

const codeIn = (answer: HttpAnswer) => nameOf(objectOf(listOf(jsonOf(answer)['errors'])[0])['code']);
