/**
 * Takes mail from a mail server in front of us (or from anybody, where we are that server): answered 250 only once it is stored,
 * 451 when we have trouble, so that the other side keeps it and comes again.
 */
import { logger } from '@parley/telemetry/logger';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import type { Arrived } from '../../email/authentication.js';
import type { Envelope } from '../../email/inbound-mail.js';
import { domainOf } from '../../email/mail.js';

export type ListenerSettings = { host?: string | undefined; port: number; protocol?: 'smtp' | 'lmtp' | undefined };
type Take = (raw: Buffer, envelope: Envelope, arrived: Arrived) => Promise<void>;

export const MAIL_BYTES_MAX = 25_000_000;
/** Each holds at most one mail in memory. */
const CLIENTS_MAX = 20;
const SILENCE_MILLIS = 60_000;
/** What is being handed over when we end is cut off then, and comes again. */
const CLOSE_MILLIS = 3_000;
const log = logger('mail-listener');

export class MailListener {
  private readonly server: SMTPServer;

  constructor(private readonly settings: ListenerSettings, domain: string, private readonly take: Take) {
    this.server = new SMTPServer({
      name: domain, lmtp: settings.protocol === 'lmtp', disabledCommands: ['AUTH', 'STARTTLS'], disableReverseLookup: true, logger: false,
      size: MAIL_BYTES_MAX, maxClients: CLIENTS_MAX, maxRecipients: 50, socketTimeout: SILENCE_MILLIS, closeTimeout: CLOSE_MILLIS,
      onRcptTo({ address }, _session, callback) {
        callback(domainOf(address) === domain ? null : refused(550, '5.7.1 not an address of ours'));
      },
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => { if (!stream.sizeExceeded) chunks.push(chunk); });
        stream.once('error', (error) => callback(error));
        stream.once('end', async () => callback(stream.sizeExceeded ? refused(552, '5.3.4 too large') : await this.taken(Buffer.concat(chunks), session), 'stored'));
      },
    });
    // A client that hangs up is nobody's error; what concerns a mail is answered above.
    this.server.on('error', (error) => log.debug('a session ended in an error', { error }));
  }

  /** Throws when the port is taken. */
  async open(): Promise<void> {
    const { host = '127.0.0.1', port } = this.settings;
    await new Promise<void>((resolve, reject) => {
      this.server.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.server.off('error', reject);
        resolve();
      });
    });
  }

  /** null: stored. */
  private async taken(raw: Buffer, session: SMTPServerSession): Promise<Error | null> {
    try {
      await this.take(raw, envelopeOf(session), arrivedFrom(session));
      return null;
    } catch (error) {
      log.warn('mail not taken, it comes again', { error });
      return refused(451, '4.3.0 not stored, try again');
    }
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

const refused = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode });

const envelopeOf = ({ envelope: { mailFrom, rcptTo } }: SMTPServerSession): Envelope =>
  ({ from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address) });
const arrivedFrom = ({ remoteAddress, hostNameAppearsAs, envelope: { mailFrom } }: SMTPServerSession): Arrived =>
  ({ ip: remoteAddress, helo: hostNameAppearsAs || '', sender: mailFrom === false ? '' : mailFrom.address });
