/** A mail server on a socket, from both sides: it takes our mail or does not, and hands in what people and other servers write. */
import type { Delivery } from '../../channel-adapter.js';
import { createHash } from 'node:crypto';
import { connect, createServer, type AddressInfo } from 'node:net';
import { createTransport, type NodemailerError, type SendMailOptions } from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import type { PlayedSession, CarrierAnswer } from '../../conformance.testing.js';
import { MAIL_DOMAIN, mailConnection, mailDelivery } from '../../email/mail-delivery.testing.js';
import { openSmtp, type SmtpAdapter } from './adapter.js';

const refused = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode });

/** Was free a moment ago: nobody listens there. */
async function sparePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class PlayedSmtp {
  private answer: CarrierAnswer = 'accept';
  private readonly adapters: SmtpAdapter[] = [];
  private readonly server = new SMTPServer({
    disabledCommands: ['AUTH'], hideSTARTTLS: true, logger: false, disableReverseLookup: true, closeTimeout: 100,
    onRcptTo: (_address, _session, callback) => callback(this.answer === 'refuse' ? refused(550, '5.1.1 no such user') : null),
    onData: (stream, _session, callback) => {
      stream.resume();
      stream.on('end', () => {
        if (this.answer === 'hang') return;
        if (this.answer === 'throttle') return callback(refused(421, '4.3.2 too many at once'));
        if (this.answer === 'accept') return callback(null);
        return [...this.server.connections].forEach((connection) => (connection as unknown as { _socket: { destroy(): void } })._socket.destroy());
      });
    },
  });

  async listen(): Promise<void> {
    this.server.on('error', () => {});
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', () => resolve()));
  }

  async close(): Promise<void> {
    await Promise.all(this.adapters.map((adapter) => adapter.close()));
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  async play(): Promise<PlayedSession> {
    this.answer = 'accept';
    const [port, nowhere] = [await sparePort(), await sparePort()];
    const open = (server: number) => {
      const adapter = openSmtp(mailConnection('smtp', {}, { host: '127.0.0.1', port: server, tls: 'none' as const, listen: { port } }));
      this.adapters.push(adapter);
      return adapter;
    };
    const [live, dead] = [open((this.server.server.address() as AddressInfo).port), open(nowhere)];
    const delivery: Delivery = mailDelivery();
    const inbox: PlayedSession['inbox'] = { events: [], refuses: false };
    await live.listen({ receive: async (events) => { if (inbox.refuses) throw new Error('no database'); inbox.events.push(...events); } });
    const handIn = async (to: string, from: string, mail: SendMailOptions): Promise<'taken' | 'later'> => {
      const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
      try {
        await transport.sendMail({ ...mail, envelope: { from, to } });
        return 'taken';
      } catch (error) {
        if ((error as NodemailerError).responseCode === 451) return 'later';
        throw error;
      } finally {
        transport.close();
      }
    };
    const played: PlayedSession = {
      adapter: live, delivery, inbox,
      answerWith: (answer) => {
        this.answer = answer;
        played.adapter = answer === 'unreachable' ? dead : live;
      },
      answerLate: () => {},
      message: ({ text }) => handIn(delivery.sender, delivery.recipient, {
        from: delivery.recipient, to: delivery.sender, text, messageId: `<${createHash('sha256').update(text).digest('hex').slice(0, 8)}@example.com>`,
      }),
      status: ({ id, status }) => handIn(`bounce+im-${id}@${MAIL_DOMAIN}`, '', { raw: report(id, status, delivery.recipient) }),
      // Who calls in ends calls in the middle of them; there is always another.
      interrupt: () => new Promise((resolve) => { const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(); }); }),
      sessions: () => new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(1); });
        socket.once('error', () => resolve(0));
      }),
      words: { sent: 'delayed', delivered: 'delivered', failed: 'failed' },
    };
    return played;
  }
}

/** A delivery report (RFC 3464). */
const report = (id: string, action: string, recipient: string) => [
  'From: MAILER-DAEMON@mx.example.com', `To: bounce+im-${id}@${MAIL_DOMAIN}`, 'Subject: Report', `Message-ID: <${id}-${action}@mx.example.com>`, 'MIME-Version: 1.0',
  'Content-Type: multipart/report; report-type=delivery-status; boundary="b"', '', '--b', 'Content-Type: text/plain', '', 'See below.', '',
  '--b', 'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mx.example.com', '', `Final-Recipient: rfc822; ${recipient}`, `Action: ${action}`,
  `Status: ${action === 'failed' ? '5.0.0' : '4.0.0'}`, '', '--b--', '',
].join('\r\n');
