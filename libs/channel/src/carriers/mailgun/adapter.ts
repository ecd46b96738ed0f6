/**
 * Mailgun. Mail goes out as MIME with our reference as a variable, which events hand back. Routes forward to the connection's
 * address (raw where it ends in `/mime`). The signature covers a timestamp and a token alone, so a token is good for one post (as it was: it may not have been stored);
 * 406 is how Mailgun is told not to come again.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { CarrierConnection } from '../../carrier-definition.js';
import type { CarrierFaultName } from '../../carrier-errors.js';
import type { ChannelLimits, Delivery, RawWebhook } from '../../channel-adapter.js';
import type { Authentication } from '../../email/authentication.js';
import { formParts } from '../../email/form-parts.js';
import type { Mail } from '../../email/mail.js';
import { EVENT_DELAY_MILLIS, MailAdapter } from '../../email/mail-adapter.js';
import { basicAuthorization, callCarrier, jsonOf, noAnswer, refusalOf, type HttpAnswer } from '../../http-call.js';
import type { InboundEvent } from '../../inbound-event.js';
import { InvalidSignature } from '../../send-error.js';
import type { MailgunCredentials, MailgunSettings } from './definition.js';
import { eventOf } from './events.js';
import { routedMail } from './routes.js';

const AGE_SECONDS_MAX = 300;
const TOKENS_MAX = 50_000;
const REFUSED = 406;

export class MailgunAdapter extends MailAdapter {
  /** A message has 25 MB at most. */
  override readonly limits: ChannelLimits = { bodyCharsMax: 100_000, mediaBytesMax: 18_000_000, lookupDelayMillis: EVENT_DELAY_MILLIS };
  /** Milliseconds; tests stop it. */
  now: () => number = Date.now;
  /** Tokens that were used, oldest first, with when and for what. */
  private readonly used = new Map<string, { at: number; digest: string }>();

  constructor(protected override readonly connection: CarrierConnection<MailgunCredentials, MailgunSettings>) {
    super(connection);
    if (connection.settings.spamFilter) this.home.statedByCarrier = foundByMailgun;
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] }> {
    const { credentials: { apiKey }, settings: { baseUrl = 'https://api.mailgun.net', sendingDomain = this.home.domain } } = this.connection;
    const { message } = await this.raw(delivery);
    const form = new FormData();
    form.set('to', delivery.recipient);
    form.set('message', new Blob([new Uint8Array(message)], { type: 'message/rfc822' }), 'message.eml');
    form.set('v:parley_delivery', delivery.deliveryId);
    form.set('o:tracking', 'no');
    const answer = await callCarrier(`${baseUrl}/v3/${sendingDomain}/messages.mime`, {
      body: form, signal, lookup: this.connection.lookup, headers: { authorization: basicAuthorization('api', apiKey), 'idempotency-key': delivery.deliveryId },
    });
    if (!answer.ok) throw refusalOf(answer, faultIn(answer), { words: jsonOf(answer)['message'] });
    const { id } = jsonOf(answer);
    if (typeof id !== 'string' || id === '') throw noAnswer('no id');
    return { providerMessageIds: [bareId(id)] };
  }

  protected override async parseCarrierWebhook(webhook: RawWebhook): Promise<InboundEvent[]> {
    const contentType = [webhook.headers['content-type'] ?? ''].flat()[0]!;
    if (contentType.startsWith('application/json')) {
      const { signature, 'event-data': data } = jsonOf({ text: webhook.body.toString() });
      this.verify(webhook, signature as Signature | undefined);
      return eventOf(data, this.home.domain);
    }
    if (!/^(?:multipart\/form-data|application\/x-www-form-urlencoded)/.test(contentType)) throw new InvalidSignature(REFUSED);
    const form = await formParts(webhook).catch((error: unknown) => {
      throw error instanceof SyntaxError ? new InvalidSignature(REFUSED) : error; // what is no form is signed by nobody
    });
    this.verify(webhook, { timestamp: form.text('timestamp'), token: form.text('token'), signature: form.text('signature') });
    return routedMail(form, this.home, (raw, envelope) => this.read(raw, envelope));
  }

  private verify({ body }: RawWebhook, { timestamp, token, signature }: Signature = {}): void {
    if (typeof timestamp !== 'string' || !/^\d{1,12}$/.test(timestamp) || typeof token !== 'string' || typeof signature !== 'string') throw new InvalidSignature(REFUSED);
    const expected = Buffer.from(createHmac('sha256', this.connection.credentials.signingKey).update(timestamp + token).digest('hex'));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new InvalidSignature(REFUSED);
    const now = this.now();
    const [before, digest] = [this.used.get(token), createHash('sha256').update(body).digest('base64')];
    if (Math.abs(now / 1000 - Number(timestamp)) > AGE_SECONDS_MAX || (before && before.digest !== digest)) throw new InvalidSignature(REFUSED);
    for (const [old, { at }] of this.used) {
      if (now - at < 2 * AGE_SECONDS_MAX * 1000 && this.used.size < TOKENS_MAX) break;
      this.used.delete(old);
    }
    if (!before) this.used.set(token, { at: now, digest });
  }
}

type Signature = { timestamp?: unknown; token?: unknown; signature?: unknown };
export const openMailgun = (connection: CarrierConnection<MailgunCredentials, MailgunSettings>) => new MailgunAdapter(connection);

/** No codes. Forbidden: the key may not send, or not from this domain. */
function faultIn(answer: HttpAnswer): CarrierFaultName | undefined {
  if (answer.status === 403) return 'authentication';
  const { message } = jsonOf(answer);
  return typeof message === 'string' && /'?\bto\b'? parameter is not a valid address/i.test(message) ? 'invalid_recipient' : undefined;
}

/** It writes them above whatever a sender wrote there, but only with its filter on. */
function foundByMailgun(mail: Mail): Authentication {
  const [dkim, spf] = ['x-mailgun-dkim-check-result', 'x-mailgun-spf'].map((name) => mail.headers(name)[0]?.toLowerCase());
  return { ...(dkim && { dkim }), ...(spf && { spf }) };
}

/** Events name it without brackets. */
const bareId = (id: string) => id.replace(/^<|>$/g, '');
