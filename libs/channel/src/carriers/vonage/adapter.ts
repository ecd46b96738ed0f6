/**
 * Vonage's Messages API v1 (channel facts, 1.2). Our reference goes along as `client_ref` and comes back with every status;
 * messages cannot be listed, so a send that was never answered is told by its first status.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { CarrierConnection } from '../../carrier-definition.js';
import { ChannelAdapter, type Delivery, type OutboundMedia, type RawWebhook } from '../../channel-adapter.js';
import { basicAuthorization, callCarrier, jsonOf, noAnswer, refusalOf } from '../../http-call.js';
import type { InboundEvent } from '../../inbound-event.js';
import { meaningOf, nameOf } from '../../inbound-values.js';
import { InvalidSignature } from '../../send-error.js';
import { LINKED_BYTES_MAX } from '../../sms/media-rules.js';
import { withoutPlus } from '../../sms/numbers.js';
import { originOf, outgoingSms } from '../../sms/sms-settings.js';
import type { VonageCredentials, VonageSettings } from './definition.js';
import { codeOf, messagesCodes } from './errors.js';
import { parseMessagesWebhook } from './messages-webhook.js';
import { parametersOf, parseSmsApiWebhook } from './sms-api-webhook.js';
import { applicationToken, isSignedWebhook, isSmsApiSignature } from './tokens.js';

/** 600 KB arrive at every carrier's handsets (channel facts, 1.11); Vonage itself names none. */
const mms = { bytesMax: 600_000, filesMax: 10 };

export class VonageSms extends ChannelAdapter {
  override readonly limits = { bodyCharsMax: 1_000, mediaBytesMax: LINKED_BYTES_MAX, lookupDelayMillis: 60_000 };
  private readonly messagesUrl: string;
  private readonly privateKey: KeyObject | undefined;

  constructor(private readonly connection: CarrierConnection<VonageCredentials, VonageSettings>) {
    super();
    this.messagesUrl = `${originOf(connection.settings, 'https://api.nexmo.com')}/v1/messages`;
    const { privateKey } = connection.credentials;
    this.privateKey = privateKey === undefined ? undefined : createPrivateKey(privateKey);
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] }> {
    const { text, media } = outgoingSms(delivery, mms, this.connection.settings);
    const answer = await callCarrier(this.messagesUrl, {
      json: {
        to: withoutPlus(delivery.recipient), from: withoutPlus(delivery.sender), client_ref: delivery.deliveryId,
        ...(media.length > 0 ? mmsOf(media, text) : { channel: 'sms', message_type: 'text', text: text ?? '', sms: { encoding_type: 'auto' } }),
      },
      headers: { authorization: this.authorization() }, signal, lookup: this.connection.lookup,
    });
    if (!answer.ok) throw refusalOf(answer, meaningOf(messagesCodes, codeOf(jsonOf(answer))), { code: codeOf(jsonOf(answer)), words: jsonOf(answer)['title'] });
    const id = nameOf(jsonOf(answer)['message_uuid']);
    if (id === undefined) throw noAnswer('no message_uuid');
    return { providerMessageIds: [id] };
  }

  override parseWebhook(webhook: RawWebhook): InboundEvent[] {
    const { settings, credentials } = this.connection;
    const authorization = webhook.headers['authorization'];
    if (isSignedWebhook(authorization, webhook.body, credentials))
      return parseMessagesWebhook(jsonOf({ text: webhook.body.toString() }), settings);
    const parameters = parametersOf(webhook);
    const { smsApiSignature } = settings;
    if (authorization !== undefined || smsApiSignature === undefined || parameters['api-key'] !== credentials.apiKey
      || !isSmsApiSignature(smsApiSignature, credentials.signatureSecret, parameters)) throw new InvalidSignature(401);
    return parseSmsApiWebhook(parameters, settings);
  }

  private authorization(): string {
    const { apiKey, apiSecret, applicationId } = this.connection.credentials;
    return applicationId !== undefined && this.privateKey !== undefined
      ? `Bearer ${applicationToken(applicationId, this.privateKey, Date.now())}` : basicAuthorization(apiKey, apiSecret ?? '');
  }
}

/** One file has a message type of its own and a caption; several are `content`. */
function mmsOf(media: readonly OutboundMedia[], text: string | null) {
  const files = media.map((file, i) => ({ type: typeOf(file), url: file.url, ...(i === 0 && text !== null && { caption: text }) }));
  const [{ type, ...file }] = files as [(typeof files)[number]];
  return files.length === 1 ? { channel: 'mms', message_type: type, [type]: file } : { channel: 'mms', message_type: 'content', content: files };
}

function typeOf({ contentType }: OutboundMedia): 'image' | 'audio' | 'video' | 'vcard' | 'file' {
  const [kind, subtype] = (contentType ?? 'image/*').split(/[/;]/);
  if (kind === 'image' || kind === 'audio' || kind === 'video') return kind;
  return kind === 'text' && /^(x-)?vcard$/.test(subtype!.trim()) ? 'vcard' : 'file';
}
