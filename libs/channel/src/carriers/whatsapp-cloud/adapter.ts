/**
 * Meta's Cloud API for WhatsApp. It knows no idempotency key and no list of messages: our reference travels as
 * `biz_opaque_callback_data` and comes back with every status, which is how a send that was never answered is found again.
 */
import { ChannelAdapter, type Delivery, type OutboundMedia, type RawWebhook, type Sent, type WebhookAnswer } from '../../channel-adapter.js';
import type { CarrierConnection } from '../../carrier-definition.js';
import { HalfSent } from '../../half-sent.js';
import type { InboundEvent } from '../../inbound-event.js';
import { metaHandshake, verifyMetaSignature } from '../../meta-webhook.js';
import { SendError } from '../../send-error.js';
import type { CloudCredentials, CloudSettings } from './definition.js';
import { GraphApi } from './graph-api.js';
import { messagesOf, type CloudMessage, type FileReference } from './outbound.js';
import { parseCloudWebhook } from './webhook.js';

const ID_CHARS_MAX = 512;

export class WhatsappCloud extends ChannelAdapter {
  /** Text 4,096 characters, documents 100 MB (channel facts, 2.2 and 2.3). Statuses take a while to tell what was sent. */
  override readonly limits = { bodyCharsMax: 4096, mediaBytesMax: 100_000_000, lookupDelayMillis: 30_000, replyWindow: true } as const;
  private readonly graph: GraphApi;
  private readonly halfSent = new HalfSent();

  constructor(private readonly connection: CarrierConnection<CloudCredentials, CloudSettings>) {
    super();
    const { baseUrl, api_version } = connection.settings;
    this.graph = new GraphApi(baseUrl, api_version, connection.credentials.access_token, connection.lookup);
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<Sent> {
    const number = this.numberOf(delivery.sender);
    const messages = await messagesOf(delivery, (file) => this.reference(number, file, signal));
    let known: Sent['recipient'];
    const ids = await this.halfSent.goOn(delivery.deliveryId, messages, async (message, i) => {
      const sent = await this.post(number, delivery, message, i === messages.length - 1 ? delivery.deliveryId : `${delivery.deliveryId}/${i}`, signal);
      known = sent.recipient;
      return sent.id;
    });
    // The last one speaks for all: its statuses carry our reference.
    return { providerMessageIds: ids.toReversed(), ...(known && { recipient: known }) };
  }

  /** Shows the person that this message of theirs, and all before it, were read; with `typing` also that somebody writes (25 s). */
  override async markRead({ sender, providerMessageId, typing = false }: { sender: string; providerMessageId: string; typing?: boolean }, signal: AbortSignal): Promise<void> {
    await this.graph.post(`${this.numberOf(sender)}/messages`, {
      messaging_product: 'whatsapp', status: 'read', message_id: providerMessageId, ...(typing && { typing_indicator: { type: 'text' } }),
    }, signal);
  }

  override parseWebhook(webhook: RawWebhook): InboundEvent[] {
    verifyMetaSignature(webhook, this.connection.credentials.app_secret);
    return parseCloudWebhook(webhook.body, this.connection.settings);
  }

  override handshake(webhook: RawWebhook): WebhookAnswer {
    return metaHandshake(webhook, this.connection.credentials.verify_token);
  }

  /** `url` is the API's address of the file's id; the address it answers with is good for five minutes, with our token. */
  override resolveMedia(url: string, signal: AbortSignal): Promise<string> {
    return this.graph.resolveMedia(url, signal);
  }

  override mediaHeaders(url: string): Record<string, string> {
    return this.graph.mediaHeaders(url);
  }

  private numberOf(sender: string): string {
    const known = this.connection.settings.phone_numbers.find(({ number }) => sender === `whatsapp:${number}`);
    if (!known) throw new SendError('invalid_sender', 'permanent', { errorCode: 63007 });
    return known.id;
  }

  private async reference(number: string, file: OutboundMedia, signal: AbortSignal): Promise<FileReference> {
    if (this.connection.settings.media === 'link' || !file.open) return { link: file.url };
    const chunks: Buffer[] = [];
    for await (const chunk of await file.open()) chunks.push(chunk as Buffer);
    const form = new FormData();
    const type = file.contentType ?? 'application/octet-stream';
    form.set('messaging_product', 'whatsapp');
    form.set('type', type);
    form.set('file', new Blob([Buffer.concat(chunks)], { type }), file.filename ?? 'file');
    return { id: await this.graph.upload(`${number}/media`, form, signal) };
  }

  private async post(number: string, { recipient }: Delivery, message: CloudMessage, reference: string, signal: AbortSignal) {
    const address = recipient.replace(/^whatsapp:/, '');
    const answer = (await this.graph.post(`${number}/messages`, {
      messaging_product: 'whatsapp', recipient_type: 'individual', ...(address.startsWith('+') ? { to: address } : { recipient: address }),
      ...message, biz_opaque_callback_data: reference,
    }, signal)) as { messages?: { id?: unknown }[]; contacts?: { wa_id?: unknown; user_id?: unknown }[] };
    const id = answer.messages?.[0]?.id;
    if (typeof id !== 'string' || id === '' || id.length > ID_CHARS_MAX) throw new SendError('no_answer', 'ambiguous', { cause: 'no message id' });
    const { wa_id, user_id } = answer.contacts?.[0] ?? {};
    const names = [typeof wa_id === 'string' && /^\d+$/.test(wa_id) ? `whatsapp:+${wa_id}` : '', typeof user_id === 'string' ? `whatsapp:${user_id}` : '']
      .filter((name) => name !== '' && name !== recipient);
    return { id, recipient: names.length > 0 ? { alsoKnownAs: names } : undefined };
  }
}
