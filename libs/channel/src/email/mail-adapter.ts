/**
 * What all carriers of mail share: how a delivery becomes a mail, how a mail that came in is read, and the address where somebody
 * wants no more by one click (RFC 8058), below the connection's webhook address.
 */
import type { CarrierConnection } from '../carrier-definition.js';
import { ChannelAdapter, type Delivery, type RawWebhook, type WebhookAnswer } from '../channel-adapter.js';
import type { InboundEvent } from '../inbound-event.js';
import { InvalidSignature } from '../send-error.js';
import { foundAuthentication, type Arrived, type Authentication, type Resolver } from './authentication.js';
import { BusySenders } from './busy-senders.js';
import { readMail, type Envelope, type MailHome } from './inbound-mail.js';
import type { MailSettings } from './mail-settings.js';
import { closeFiles, composeMail, type OutgoingMail } from './outgoing-mail.js';
import { messageIdOf, unsubscribedOf } from './reply-address.js';
import { createHmac } from 'node:crypto';
import { createTransport } from 'nodemailer';

const USUAL_SUBJECT = 'New message';
/** So long after a send without an answer its event may come, with our reference; without events there is nothing to wait for. */
export const EVENT_DELAY_MILLIS = 60_000;
const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });

export abstract class MailAdapter extends ChannelAdapter {
  protected readonly home: MailHome;
  private readonly busy = new BusySenders();
  /** Tests ask a DNS of their own. */
  resolver: Resolver | undefined;

  constructor(protected readonly connection: CarrierConnection<unknown, MailSettings>) {
    super();
    const { settings, signingKey, sid } = connection;
    this.home = {
      domain: settings.domain, key: signingKey, authenticationServer: settings.authenticationServer,
      loopMark: createHmac('sha256', signingKey ?? sid).update('loop').digest('hex').slice(0, 16),
    };
  }

  /** What the carrier itself sends us. Throws InvalidSignature. */
  protected abstract parseCarrierWebhook(webhook: RawWebhook): InboundEvent[] | Promise<InboundEvent[]>;

  override async parseWebhook(webhook: RawWebhook): Promise<InboundEvent[]> {
    const token = this.unsubscribeToken(webhook);
    if (token === undefined) return this.judged(await this.parseCarrierWebhook(webhook));
    const deliveryId = this.home.key === undefined ? undefined : unsubscribedOf(this.home.key, token);
    if (!deliveryId) throw new InvalidSignature();
    return [{
      channel: 'email', kind: 'status', from: '', to: '', providerMessageId: `unsubscribe ${deliveryId}`, text: null, media: [], inReplyTo: null,
      status: 'delivered', deliveryId, suppress: 'unsubscribe',
    }];
  }

  override answeredBy({ deliveryId }: Pick<Delivery, 'deliveryId'>): string | undefined {
    return messageIdOf(deliveryId, this.home.domain);
  }

  /** Scanners follow links, so a look at the address changes nothing. */
  override handshake(webhook: RawWebhook): WebhookAnswer {
    if (this.unsubscribeToken(webhook) === undefined) return { status: 404, contentType: 'text/plain', body: '' };
    return {
      status: 200, contentType: 'text/html; charset=utf-8',
      body: '<!doctype html><meta name="viewport" content="width=device-width"><title>Unsubscribe</title><form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>Send me no more mail</button></form>',
    };
  }

  protected compose(delivery: Delivery): Promise<OutgoingMail> {
    const { settings: { fromName, subject = USUAL_SUBJECT, listUnsubscribe }, webhookUrl } = this.connection;
    const unsubscribeUrl = listUnsubscribe ? (token: string) => `${webhookUrl}/unsubscribe/${token}` : undefined;
    return composeMail(delivery, { home: this.home, fromName, usualSubject: subject, unsubscribeUrl });
  }

  /** The mail as bytes. Throws SendError. */
  protected async raw(delivery: Delivery): Promise<{ message: Buffer; mail: OutgoingMail }> {
    const mail = await this.compose(delivery);
    try {
      const { message } = await composer.sendMail(mail);
      return { message: message as Buffer, mail };
    } finally {
      closeFiles(mail);
    }
  }

  /** What came, as it is to be taken. */
  protected judged(events: InboundEvent[]): InboundEvent[] {
    return this.busy.judge(events, Date.now());
  }

  /** `found`: by us; otherwise `stated` by the carrier, or by the receiving server. */
  protected read(raw: Buffer, envelope: Envelope, found?: Authentication, stated?: Authentication): Promise<InboundEvent[]> {
    return readMail(raw, envelope, stated ? { ...this.home, statedByCarrier: () => stated } : this.home, found);
  }

  protected authenticate(raw: Buffer, arrived: Arrived): Promise<Authentication> {
    return foundAuthentication(raw, arrived, this.home.authenticationServer ?? this.home.domain, this.resolver);
  }

  private unsubscribeToken({ url }: RawWebhook): string | undefined {
    return /\/unsubscribe\/([^/]+)$/.exec(new URL(url).pathname)?.[1];
  }
}
