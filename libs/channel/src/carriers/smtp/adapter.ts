/** A mail server: a pool of sessions out, and what listens for mail in. */
import { callbackify } from 'node:util';
import { createTransport, type NodemailerError, type SMTPPoolOptions } from 'nodemailer';
import type { CarrierConnection } from '../../carrier-definition.js';
import type { ChannelLimits, Delivery, InboundSink, Sent } from '../../channel-adapter.js';
import { dial } from '../../dial.js';
import { MailAdapter } from '../../email/mail-adapter.js';
import { closeFiles } from '../../email/outgoing-mail.js';
import { nameOf } from '../../email/reply-address.js';
import type { InboundEvent } from '../../inbound-event.js';
import { InvalidSignature, SendError } from '../../send-error.js';
import type { SmtpCredentials, SmtpSettings } from './definition.js';
import { ImapMailbox } from './imap-mailbox.js';
import { MailListener } from './mail-listener.js';
import { smtpFailure } from './smtp-failure.js';

/** An answer to a command; to a whole mail servers may take longer, which the caller's signal bounds. */
const ANSWER_MILLIS = 10_000;
const CONNECT_MILLIS = 5_000;
/** Both headers of one click have to be signed (RFC 8058). */
const SIGNED_HEADERS = 'from:sender:reply-to:subject:date:message-id:to:cc:mime-version:content-type:content-transfer-encoding:in-reply-to:references:list-unsubscribe:list-unsubscribe-post';

export class SmtpAdapter extends MailAdapter {
  /** Encoded it grows by 37 %, and most servers take 25 MB. No limit of text but good sense. */
  override readonly limits: ChannelLimits = { bodyCharsMax: 100_000, mediaBytesMax: 18_000_000, lookupDelayMillis: 0 };
  private readonly transport;
  private readonly ending = new AbortController();
  private listener: MailListener | undefined;
  private mailbox: ImapMailbox | undefined;

  constructor(protected override readonly connection: CarrierConnection<SmtpCredentials, SmtpSettings>) {
    super(connection);
    const { credentials: { user, password, dkimPrivateKey }, settings } = connection;
    const { lookup } = connection;
    const { host, tls = 'required', port = tls === 'immediate' ? 465 : 587, connections = 5, dkimSelector, dkimDomain = settings.domain } = settings;
    this.transport = createTransport({
      pool: true, host, port, secure: tls === 'immediate', requireTLS: tls === 'required', ignoreTLS: tls === 'none',
      maxConnections: connections, maxMessages: 100, connectionTimeout: CONNECT_MILLIS, greetingTimeout: CONNECT_MILLIS, socketTimeout: ANSWER_MILLIS * 6,
      // What was perhaps taken is not handed in again behind our back.
      maxRequeues: 0,
      // It looks names up itself; what may not lead everywhere is connected by us, and it speaks TLS on that.
      ...(lookup && { getSocket: callbackify(async (_options: object) => ({ connection: await dial({ host, port, tls: false, responseMillis: CONNECT_MILLIS, lookup }, this.ending.signal) })) }),
      ...(user !== undefined && { auth: { user, pass: password ?? '' }, forceAuth: true }),
      ...(dkimPrivateKey && dkimSelector && { dkim: { domainName: dkimDomain, keySelector: dkimSelector, privateKey: dkimPrivateKey, headerFieldNames: SIGNED_HEADERS } }),
    } satisfies SMTPPoolOptions);
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<Sent> {
    const mail = await this.compose(delivery);
    const dsn = { id: nameOf(delivery.deliveryId), return: 'headers' as const, notify: ['failure', 'delay'] as ('failure' | 'delay')[] };
    try {
      await bounded(this.transport.sendMail({ ...mail, dsn }), signal);
      return { providerMessageIds: [mail.messageId], status: 'sent' };
    } catch (error) {
      throw error instanceof SendError ? error : smtpFailure(error as NodemailerError);
    } finally {
      closeFiles(mail);
    }
  }

  /** Nothing comes by HTTP but a click on "unsubscribe". */
  protected override parseCarrierWebhook(): InboundEvent[] {
    throw new InvalidSignature();
  }

  override async listen(sink: InboundSink): Promise<void> {
    const { settings: { listen, imap }, credentials: { imapUser = '', imapPassword = '' } } = this.connection;
    if (listen) {
      this.listener = new MailListener(listen, this.home.domain, async (raw, envelope, arrived) => {
        await sink.receive(this.judged(await this.read(raw, envelope, listen.authenticate ? await this.authenticate(raw, arrived) : undefined)));
      });
      await this.listener.open();
    }
    if (imap) {
      this.mailbox = new ImapMailbox({ ...imap, user: imapUser, password: imapPassword, lookup: this.connection.lookup }, async (raw) => {
        await sink.receive(this.judged(await this.read(raw, { from: undefined, to: [] })));
      });
      this.mailbox.open();
    }
  }

  override async close(): Promise<void> {
    await Promise.all([this.listener?.close(), this.mailbox?.close()]);
    this.transport.close();
    this.ending.abort();
  }
}

export const openSmtp = (connection: CarrierConnection<SmtpCredentials, SmtpSettings>) => new SmtpAdapter(connection);

/** The session goes on, but nobody waits for it: the server may have the mail. */
async function bounded<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let give: (() => void) | undefined;
  const given = new Promise<never>((_, reject) => {
    give = () => reject(new SendError('no_answer', 'ambiguous', { cause: signal.reason }));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, given]);
  } finally {
    signal.removeEventListener('abort', give!);
  }
}
