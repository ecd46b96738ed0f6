/**
 * Messenger by the Graph API (channel facts, section 4): one request for a text or a file. It knows no idempotency key and
 * no lookup; our reference travels as the message's `metadata` and comes back with its echo.
 */
import { ChannelAdapter, type ChannelLimits, type Delivery, type OutboundMedia, type RawWebhook, type Sent, type WebhookAnswer } from '../../channel-adapter.js';
import type { CarrierConnection } from '../../carrier-definition.js';
import { HalfSent } from '../../half-sent.js';
import { callCarrier, jsonOf, noAnswer, retryAfter } from '../../http-call.js';
import type { InboundEvent } from '../../inbound-event.js';
import { nameOf } from '../../inbound-values.js';
import { metaHandshake, verifyMetaSignature } from '../../meta-webhook.js';
import { SendError } from '../../send-error.js';
import type { MessengerCredentials, MessengerSettings } from './definition.js';
import { isOutsideWindow, refusal } from './errors.js';
import { parseMessengerWebhook } from './webhook.js';

type Message = { text: string } | { attachment: { type: string; payload: { url: string; is_reusable: false } } };
/** Within 24 hours of the person's last message; a human's answer may take 7 days. */
type Occasion = { messaging_type: 'RESPONSE' } | { messaging_type: 'MESSAGE_TAG'; tag: 'HUMAN_AGENT' };

const PREFIX = 'messenger:';

export class Messenger extends ChannelAdapter {
  /** Text 2,000 characters (general knowledge), a file 25 MB (channel facts, 1.11). The echo takes a while. */
  override readonly limits: ChannelLimits;
  private readonly halfSent = new HalfSent();

  constructor(private readonly connection: CarrierConnection<MessengerCredentials, MessengerSettings>) {
    super();
    // With the tag for humans Meta alone knows when it is too late.
    this.limits = { bodyCharsMax: 2000, mediaBytesMax: 25_000_000, lookupDelayMillis: 30_000, ...(!connection.settings.human_agent && { replyWindow: true }) };
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<Sent> {
    const { deliveryId, sender, recipient, body, media } = delivery;
    const page = this.connection.credentials.pages.find(({ id }) => sender === PREFIX + id);
    if (!page) throw new SendError('invalid_sender', 'permanent', { errorCode: 63007 });
    const messages: Message[] = [...(body ? [{ text: body }] : []), ...media.map((file) => ({ attachment: { type: kindOf(file), payload: { url: file.url, is_reusable: false as const } } }))];
    const ids = await this.halfSent.goOn(deliveryId, messages, (message, i) => this.post(page, {
      recipient: { id: recipient.slice(PREFIX.length) },
      // The last one speaks for all: its echo carries our reference.
      message: { ...message, metadata: i === messages.length - 1 ? deliveryId : `${deliveryId}/${i}` },
    }, signal));
    return { providerMessageIds: ids.toReversed() };
  }

  override parseWebhook(webhook: RawWebhook): InboundEvent[] {
    const { credentials: { app_secret, pages }, settings } = this.connection;
    verifyMetaSignature(webhook, app_secret);
    return parseMessengerWebhook(webhook.body, { pages: pages.map(({ id }) => id), appId: settings.app_id });
  }

  override handshake(webhook: RawWebhook): WebhookAnswer {
    return metaHandshake(webhook, this.connection.credentials.verify_token);
  }

  private async post(page: { id: string; access_token: string }, message: object, signal: AbortSignal): Promise<string> {
    try {
      return await this.request(page, { ...message, messaging_type: 'RESPONSE' }, signal);
    } catch (error) {
      if (!this.connection.settings.human_agent || !isOutsideWindow(error)) throw error;
      return this.request(page, { ...message, messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT' }, signal);
    }
  }

  private async request({ id, access_token }: { id: string; access_token: string }, json: Occasion, signal: AbortSignal): Promise<string> {
    const { baseUrl, api_version } = this.connection.settings;
    const answer = await callCarrier(`${baseUrl}/${api_version}/${id}/messages`, { json, signal, lookup: this.connection.lookup, headers: { authorization: `Bearer ${access_token}` } });
    if (!answer.ok) throw refusal(answer.status, jsonOf(answer), retryAfter(answer.headers).retryAfterMillis);
    const messageId = nameOf(jsonOf(answer)['message_id']);
    if (messageId === undefined) throw noAnswer('no message id');
    return messageId;
  }
}

/** What the person's app makes of it; it knows four kinds. */
function kindOf({ contentType }: OutboundMedia): string {
  const kind = contentType?.split('/')[0] ?? '';
  return ['image', 'audio', 'video'].includes(kind) ? kind : 'file';
}
