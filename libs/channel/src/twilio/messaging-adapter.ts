/**
 * Twilio's Messaging API (2010-04-01) for SMS, MMS and WhatsApp; whatever speaks it, like our simulator, is one base URL
 * away. The API knows no idempotency key: our reference travels in the status callback's URL, and a send that was never
 * answered is found again in the message list by sender, recipient, time and text.
 */
import type { LookupFunction } from 'node:net';
import { attemptKeyOf, ChannelAdapter, type Delivery, type OutboundMedia, type RawWebhook, type WebhookAnswer } from '../channel-adapter.js';
import { basicAuthorization, callCarrier, jsonOf, noAnswer, refusalOf, type HttpAnswer, type HttpCall } from '../http-call.js';
import type { InboundEvent, InboundMessage } from '../inbound-event.js';
import { keywordKind } from '../opt-out.js';
import { InvalidSignature } from '../send-error.js';
import { isTwilioSignature } from '../signatures.js';
import { isTransient } from './errors.js';
import { parseMessagingWebhook } from './messaging-webhook.js';

export type TwilioCredentials = { accountSid: string; authToken: string };
export type TwilioOptions = TwilioCredentials & {
  /** Without trailing slash: `https://api.twilio.com`. */
  baseUrl: string;
  /** Ours, where callbacks arrive. Without trailing slash. */
  publicUrl: string;
  /** Where this connection's webhooks arrive, when it has an address of its own. */
  webhookUrl?: string;
  /** As CarrierConnection has it. */
  lookup?: LookupFunction;
};
type MessageResource = { sid: string; body: string | null; direction: string; date_created: string };

const SID_CHARS_MAX = 64;
const LOOKUP_PAGE = 100;
/** Their clock may differ from ours. */
const CLOCK_SKEW_MILLIS = 60_000;

/** Says nothing to the person; any other text would be sent to them. */
const EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>';

export abstract class TwilioMessaging extends ChannelAdapter {
  override readonly answer: WebhookAnswer = { status: 200, contentType: 'text/xml', body: EMPTY_TWIML };
  private readonly messagesUrl: string;
  private readonly authorization: string;

  constructor(private readonly options: TwilioOptions) {
    super();
    const { accountSid, authToken, baseUrl } = options;
    this.messagesUrl = `${baseUrl}/2010-04-01/Accounts/${accountSid}/Messages.json`;
    this.authorization = basicAuthorization(accountSid, authToken);
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] }> {
    const form = new URLSearchParams([['To', delivery.recipient], ['From', delivery.sender], ...this.contentOf(delivery)]);
    // Of our simulator alone: Twilio's API has no groups.
    for (const number of delivery.group ?? []) form.append('Group', number);
    form.set('StatusCallback', `${this.options.webhookUrl ?? `${this.options.publicUrl}/webhooks/twilio`}/status?delivery=${delivery.deliveryId}${delivery.group?.length ? '&group' : ''}`);
    const answer = await this.request(this.messagesUrl, { body: form, signal, headers: { 'idempotency-key': attemptKeyOf(delivery) } });
    const { sid } = jsonOf(answer);
    if (typeof sid !== 'string' || sid.length > SID_CHARS_MAX) throw noAnswer('no sid');
    return { providerMessageIds: [sid] };
  }

  override async lookup(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] } | undefined> {
    // Newest first. Not filtered by DateSent: what still waits there has none.
    const messages = await this.list({ To: delivery.recipient, From: delivery.sender, PageSize: String(LOOKUP_PAGE) }, signal);
    const since = Date.parse(delivery.firstAttemptAt) - CLOCK_SKEW_MILLIS;
    const isTemplate = delivery.rich?.['kind'] === 'template';
    const text = withoutQueries(isTemplate ? this.outgoing(delivery).text : (new Map(this.contentOf(delivery)).get('Body') ?? null));
    // A template's text is Twilio's to write, and what stands on its buttons is no part of it.
    const isAlike = isTemplate ? (body: string | null) => body !== null && body !== '' && text.startsWith(withoutQueries(body)) : (body: string | null) => withoutQueries(body) === text;
    return found(messages.filter(({ body, direction, date_created }) =>
      isAlike(body) && direction.startsWith('outbound') && Date.parse(date_created) >= since));
  }

  protected async list(query: Record<string, string>, signal: AbortSignal): Promise<MessageResource[]> {
    const answer = await this.request(`${this.messagesUrl}?${new URLSearchParams(query)}`, { signal });
    const { messages } = jsonOf(answer);
    if (!Array.isArray(messages)) throw noAnswer('no list of messages');
    return messages as MessageResource[];
  }

  override parseWebhook({ url, headers, body }: RawWebhook): InboundEvent[] {
    const form = new URLSearchParams(body.toString());
    const signature = headers['x-twilio-signature'];
    if (typeof signature !== 'string' || !isTwilioSignature(this.options.authToken, signature, url, form))
      throw new InvalidSignature();
    const { searchParams } = new URL(url);
    return parseMessagingWebhook(form, { deliveryId: searchParams.get('delivery'), group: searchParams.has('group') }, (text) => this.keyword(text));
  }

  /** What it says, in Twilio's parameters. */
  protected contentOf(delivery: Delivery): [name: string, value: string][] {
    const { text, media } = this.outgoing(delivery);
    return [...(text === null ? [] : [['Body', text] as [string, string]]), ...media.map(({ url }): [string, string] => ['MediaUrl', url])];
  }

  /** What of a delivery goes as text and what as files. */
  protected outgoing({ body, media }: Delivery): { text: string | null; media: readonly OutboundMedia[] } {
    return { text: body, media };
  }

  /** What a text on SMS is by itself, when Twilio does not say. */
  protected keyword(text: string | null): Pick<InboundMessage, 'kind' | 'keywordAnswered'> {
    return { kind: keywordKind(text) };
  }

  override mediaHeaders(url: string): Record<string, string> {
    return new URL(url).origin === new URL(this.options.baseUrl).origin ? { authorization: this.authorization } : {};
  }

  /** Resolves with a 2xx answer only; everything else is a SendError that says what it means for the message. */
  private async request(url: string, call: Omit<HttpCall, 'lookup'>): Promise<HttpAnswer> {
    const answer = await callCarrier(url, { ...call, lookup: this.options.lookup, headers: { ...call.headers, authorization: this.authorization } });
    if (answer.ok) return answer;
    const { code } = jsonOf(answer);
    throw refusalOf(answer, typeof code === 'number' && Number.isInteger(code) ? { errorCode: code, retryable: isTransient(code) } : undefined, { code: typeof code === 'number' ? String(code) : undefined });
  }
}

/** Links in a text are signed anew each time: what they are signed with does not count. */
const withoutQueries = (text: string | null): string => (text ?? '').replace(/(https?:\/\/[^\s?]+)\?\S*/g, '$1');

export const found = (messages: MessageResource[]) =>
  messages.length > 0 ? { providerMessageIds: messages.map(({ sid }) => sid) } : undefined;
