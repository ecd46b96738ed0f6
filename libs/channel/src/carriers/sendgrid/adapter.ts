/**
 * SendGrid (v3). Our reference travels as a custom argument, which every event hands back. Webhooks below the connection's
 * address: `/parse` (Inbound Parse, raw or parsed) and `/events`.
 */
import type { Readable } from 'node:stream';
import { createPublicKey, timingSafeEqual, verify, type KeyObject } from 'node:crypto';
import type { CarrierConnection } from '../../carrier-definition.js';
import type { ChannelLimits, Delivery, RawWebhook } from '../../channel-adapter.js';
import { formParts } from '../../email/form-parts.js';
import { EVENT_DELAY_MILLIS, MailAdapter } from '../../email/mail-adapter.js';
import { bytesOf, closeFiles } from '../../email/outgoing-mail.js';
import { callCarrier, jsonOf, noAnswer, refusalOf, type HttpAnswer } from '../../http-call.js';
import type { InboundEvent } from '../../inbound-event.js';
import { listOf, nameOf, objectOf } from '../../inbound-values.js';
import { InvalidSignature, type SendError } from '../../send-error.js';
import type { SendgridCredentials, SendgridSettings } from './definition.js';
import { eventsOf } from './events.js';
import { foundBySendgrid, parsedMail } from './inbound-parse.js';

const SIGNATURE = 'x-twilio-email-event-webhook-signature';
const TIMESTAMP = 'x-twilio-email-event-webhook-timestamp';
const AGE_SECONDS_MAX = 600;

export class SendgridAdapter extends MailAdapter {
  /** A request has 30 MB at most, attachments in base64. */
  override readonly limits: ChannelLimits;
  /** Milliseconds; tests stop it. */
  now: () => number = Date.now;

  constructor(protected override readonly connection: CarrierConnection<SendgridCredentials, SendgridSettings>) {
    super(connection);
    this.limits = { bodyCharsMax: 100_000, mediaBytesMax: 20_000_000, lookupDelayMillis: connection.credentials.eventPublicKey === undefined ? 0 : EVENT_DELAY_MILLIS };
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] }> {
    const { credentials: { apiKey }, settings: { baseUrl = 'https://api.sendgrid.com' } } = this.connection;
    const mail = await this.compose(delivery);
    try {
      const answer = await callCarrier(`${baseUrl}/v3/mail/send`, {
        json: await requestOf(mail, delivery), signal, lookup: this.connection.lookup, headers: { authorization: `Bearer ${apiKey}`, 'idempotency-key': delivery.deliveryId },
      });
      if (!answer.ok) throw refusal(answer);
      const id = answer.headers.get('x-message-id');
      if (!id) throw noAnswer('no X-Message-Id');
      return { providerMessageIds: [id] };
    } finally {
      closeFiles(mail);
    }
  }

  protected override async parseCarrierWebhook(webhook: RawWebhook): Promise<InboundEvent[]> {
    const { eventPublicKey, parsePublicKey, parseSecret } = this.connection.credentials;
    const { pathname, searchParams } = new URL(webhook.url);
    if (pathname.endsWith('/events')) {
      this.verify(webhook, eventPublicKey);
      return eventsOf(webhook.body, this.home.domain);
    }
    if (parsePublicKey === undefined && parseSecret !== undefined) sameSecret(parseSecret, searchParams.get('key') ?? '');
    else this.verify(webhook, parsePublicKey);
    const form = await formParts(webhook).catch((error: unknown) => {
      throw error instanceof SyntaxError ? new InvalidSignature() : error; // it will not become a form by being sent again
    });
    return parsedMail(form, this.home, async (raw, envelope, ip) => {
      const { authenticate } = this.connection.settings;
      const found = authenticate ? await this.authenticate(raw, { ip, helo: '', sender: envelope.from ?? '' }) : undefined;
      return this.read(raw, envelope, found, foundBySendgrid(form));
    });
  }

  private verify({ headers, body }: RawWebhook, publicKey: string | undefined): void {
    const [signature, timestamp] = [headers[SIGNATURE], headers[TIMESTAMP]];
    if (publicKey === undefined || typeof signature !== 'string' || typeof timestamp !== 'string' || !/^\d{1,12}$/.test(timestamp)) throw new InvalidSignature();
    if (Math.abs(this.now() / 1000 - Number(timestamp)) > AGE_SECONDS_MAX) throw new InvalidSignature();
    // Over the bytes: as text, a file in the form would not be what was signed.
    if (!verify('sha256', Buffer.concat([Buffer.from(timestamp), body]), keyOf(publicKey), Buffer.from(signature, 'base64'))) throw new InvalidSignature();
  }
}

export const openSendgrid = (connection: CarrierConnection<SendgridCredentials, SendgridSettings>) => new SendgridAdapter(connection);

function keyOf(publicKey: string): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  } catch {
    throw new InvalidSignature();
  }
}

function sameSecret(expected: string, given: string): void {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  if (a.length !== b.length || !timingSafeEqual(a, b)) throw new InvalidSignature();
}

/** No codes, but the field that is wrong. Forbidden: the key may not send, or not from there. */
function refusal(answer: HttpAnswer): SendError {
  const { field, message } = objectOf(listOf(jsonOf(answer)['errors'])[0]);
  const said = { words: [field, message].filter((word) => typeof word === 'string').join(': ') };
  if (answer.status === 403) return refusalOf(answer, 'authentication', said);
  const name = nameOf(field) ?? '';
  return refusalOf(answer, /^personalizations\b.*\bto\b/.test(name) ? 'invalid_recipient' : /^from\b/.test(name) ? 'not_our_sender' : /^attachments\b/.test(name) ? 'media_type' : undefined, said);
}

type Composed = Awaited<ReturnType<MailAdapter['compose']>>;

async function requestOf(mail: Composed, { sender, recipient, deliveryId }: Delivery) {
  const name = typeof mail.from === 'object' && 'name' in mail.from ? mail.from.name : undefined;
  const headers = Object.fromEntries(Object.entries(mail.headers as Record<string, string | { value: string }>)
    .map(([key, value]) => [key, typeof value === 'string' ? value : value.value]));
  const attachments = await Promise.all(mail.attachments.map(async (file, i) => {
    const { contentType, filename } = file as { contentType?: string; filename?: string };
    return {
      content: (await bytesOf(file.content as Readable)).toString('base64'), filename: filename ?? `attachment-${i + 1}`,
      ...(contentType && { type: contentType.split(';')[0] }), disposition: 'attachment',
    };
  }));
  return {
    personalizations: [{ to: [{ email: recipient }], custom_args: { parley_delivery: deliveryId } }],
    from: { email: sender, ...(name && { name }) }, ...(mail.replyTo && { reply_to: { email: mail.replyTo as string } }),
    subject: mail.subject,
    // It takes no empty part.
    content: [{ type: 'text/plain', value: (mail.text as string) || ' ' }, ...(mail.text ? [{ type: 'text/html', value: mail.html as string }] : [])],
    headers: {
      ...headers, 'Message-ID': mail.messageId, ...(mail.inReplyTo && { 'In-Reply-To': mail.inReplyTo as string }),
      ...(mail.references && { References: (mail.references as string[]).join(' ') }),
    },
    ...(attachments.length > 0 && { attachments }),
    tracking_settings: { click_tracking: { enable: false, enable_text: false }, open_tracking: { enable: false } },
  };
}
