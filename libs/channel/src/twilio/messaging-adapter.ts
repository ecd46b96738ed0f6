/**
 * Twilio's Messaging API (2010-04-01) for SMS, MMS and WhatsApp; whatever speaks it, like our simulator, is one base URL
 * away. The API knows no idempotency key: our reference travels in the status callback's URL, and a send that was never
 * answered is found again in the message list by sender, recipient, time and text.
 */
import { ChannelAdapter, type Delivery, type RawWebhook, type WebhookAnswer } from '../channel-adapter.js';
import type { InboundEvent } from '../inbound-event.js';
import { InvalidSignature, SendError } from '../send-error.js';
import { isTwilioSignature } from '../signatures.js';
import { isTransient, reasonOf } from './errors.js';
import { parseMessagingWebhook } from './messaging-webhook.js';

export type TwilioCredentials = { accountSid: string; authToken: string };
export type TwilioOptions = TwilioCredentials & {
  /** Without trailing slash: `https://api.twilio.com`. */
  baseUrl: string;
  /** Ours, where callbacks arrive. Without trailing slash. */
  publicUrl: string;
  /** Where this connection's webhooks arrive, when it has an address of its own. */
  webhookUrl?: string;
};
type MessageResource = { sid: string; body: string | null; direction: string; date_created: string };

/** Errors of fetch before a single byte of the request left: nobody can have got it. */
const neverConnected = new Set([
  'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT',
]);
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
    this.authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] }> {
    const form = new URLSearchParams({ To: delivery.recipient, From: delivery.sender });
    if (delivery.body !== null) form.set('Body', delivery.body);
    for (const { url } of delivery.media) form.append('MediaUrl', url);
    form.set('StatusCallback', `${this.options.webhookUrl ?? `${this.options.publicUrl}/webhooks/twilio`}/status?delivery=${delivery.deliveryId}`);
    const response = await this.request(this.messagesUrl, {
      method: 'POST', body: form, signal, headers: { 'idempotency-key': delivery.deliveryId },
    });
    const { sid } = (await response.json().catch(noAnswer)) as Partial<MessageResource>;
    return typeof sid === 'string' && sid.length <= SID_CHARS_MAX ? { providerMessageIds: [sid] } : noAnswer('no sid');
  }

  override async lookup(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] } | undefined> {
    // Newest first. Not filtered by DateSent: what still waits there has none.
    const messages = await this.list({ To: delivery.recipient, From: delivery.sender, PageSize: String(LOOKUP_PAGE) }, signal);
    const since = Date.parse(delivery.firstAttemptAt) - CLOCK_SKEW_MILLIS;
    return found(messages.filter(({ body, direction, date_created }) =>
      body === (delivery.body ?? '') && direction.startsWith('outbound') && Date.parse(date_created) >= since));
  }

  protected async list(query: Record<string, string>, signal: AbortSignal): Promise<MessageResource[]> {
    const response = await this.request(`${this.messagesUrl}?${new URLSearchParams(query)}`, { signal });
    const { messages } = (await response.json().catch(noAnswer)) as { messages: MessageResource[] };
    return messages;
  }

  override parseWebhook({ url, headers, body }: RawWebhook): InboundEvent[] {
    const form = new URLSearchParams(body.toString());
    const signature = headers['x-twilio-signature'];
    if (typeof signature !== 'string' || !isTwilioSignature(this.options.authToken, signature, url, form))
      throw new InvalidSignature();
    return parseMessagingWebhook(form, new URL(url).searchParams.get('delivery'));
  }

  override mediaHeaders(url: string): Record<string, string> {
    return new URL(url).origin === new URL(this.options.baseUrl).origin ? { authorization: this.authorization } : {};
  }

  /** Resolves with a 2xx answer only; everything else is a SendError that says what it means for the message. */
  private async request(url: string, init: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
    const headers = { ...init.headers, authorization: this.authorization };
    const response = await fetch(url, { ...init, headers, redirect: 'error' }).catch((error: unknown) => {
      const code = (error as { cause?: { code?: string } }).cause?.code ?? '';
      throw neverConnected.has(code) ? new SendError('unreachable', 'retryable', { cause: error }) : noAnswer(error);
    });
    if (response.ok) return response;
    throw await refusal(response);
  }
}

export const found = (messages: MessageResource[]) =>
  messages.length > 0 ? { providerMessageIds: messages.map(({ sid }) => sid) } : undefined;

function noAnswer(cause: unknown): never {
  throw new SendError('no_answer', 'ambiguous', { cause });
}

async function refusal(response: Response): Promise<SendError> {
  const { status, headers } = response;
  const answer = (await response.json().catch(() => ({}))) as { code?: unknown };
  if (status >= 500) return new SendError('no_answer', 'ambiguous');
  const given = typeof answer.code === 'number' && Number.isInteger(answer.code) ? answer.code : undefined;
  const errorCode = given ?? (status === 429 ? 20429 : status === 401 ? 20003 : undefined);
  const code = errorCode === undefined ? 'rejected' : reasonOf(errorCode);
  // Wrong credentials are our operator's to mend: the message waits for that instead of being lost.
  const retryable = status === 429 || status === 401 || (errorCode !== undefined && isTransient(errorCode));
  return new SendError(code, retryable ? 'retryable' : 'permanent', {
    ...(errorCode !== undefined && { errorCode }), ...retryAfter(headers.get('retry-after')),
  });
}

function retryAfter(header: string | null) {
  if (header === null) return {};
  const millis = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return millis > 0 ? { retryAfterMillis: millis } : {};
}
