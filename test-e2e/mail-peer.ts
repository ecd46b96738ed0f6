/** A person with a mailbox on a mail server of their own: what Parley hands in arrives here, what they write goes to Parley's listener. */
import { simpleParser, type ParsedMail } from 'mailparser';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { createServer, type AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { until } from './installation.js';

export type Arrived = { from: string; to: string; mail: ParsedMail };

export class MailPeer {
  readonly arrived: Arrived[] = [];
  private readonly server: SMTPServer;

  constructor(private readonly parleyPort: number) {
    this.server = new SMTPServer({
      // Parley keeps its sessions open; they are not waited for at the end.
      disabledCommands: ['AUTH'], hideSTARTTLS: true, logger: false, disableReverseLookup: true, closeTimeout: 100,
      onData: async (stream, { envelope: { mailFrom, rcptTo } }, callback) => {
        this.arrived.push({ from: mailFrom === false ? '' : mailFrom.address, to: rcptTo[0]!.address, mail: await simpleParser(stream) });
        callback(null);
      },
    });
    this.server.on('error', () => {});
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', () => resolve()));
    return (this.server.server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  /** To whatever Parley's listener takes; `from` null is a machine's envelope. */
  async write(envelopeFrom: string | null, to: string, mail: SendMailOptions): Promise<void> {
    const transport = createTransport({ host: '127.0.0.1', port: this.parleyPort, ignoreTLS: true });
    try {
      await transport.sendMail({ ...mail, envelope: { from: envelopeFrom ?? '', to } });
    } finally {
      transport.close();
    }
  }

  /** The next mail to this person that `which` is about. */
  mailTo(address: string, which: (mail: ParsedMail) => boolean = () => true): Promise<Arrived> {
    return until(async () => this.arrived.find(({ to, mail }) => to === address && which(mail)), `a mail to ${address}`);
  }
}

/** Nobody listens there now. */
export async function sparePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** As mail servers report that they could not deliver (RFC 3464). */
export const deliveryReport = ({ from, to, mail }: Arrived, status: string): SendMailOptions => ({
  raw: [
    'From: Mail Delivery System <MAILER-DAEMON@mx.example.com>', `To: ${from}`, 'Subject: Undelivered Mail Returned to Sender',
    `Message-ID: <dsn-${status}-${mail.messageId!.slice(1)}`, 'Auto-Submitted: auto-replied', 'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"', '',
    '--b', 'Content-Type: text/plain', '', 'Could not be delivered.', '',
    '--b', 'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mx.example.com', '',
    `Final-Recipient: rfc822; ${to}`, 'Action: failed', `Status: ${status}`, `Diagnostic-Code: smtp; 550 ${status} no such user`, '',
    '--b', 'Content-Type: text/rfc822-headers', '', `Message-ID: ${mail.messageId}`, '', '--b--', '',
  ].join('\r\n'),
});
