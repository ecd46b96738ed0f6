/**
 * Mail servers of people, on one socket: what Parley hands in is kept by Message-ID, and what they write is brought to its listener. It may be
 * busy, answer nothing, or cut the line once it has a mail, and it may go away.
 */
import { simpleParser } from 'mailparser';
import { createTransport } from 'nodemailer';
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { Refused } from './persistence.ts';

/** `silent`, `cut`: it has the mail, and says nothing or ends the session. */
export type MailMood = 'well' | 'busy' | 'silent' | 'cut';
type Kept = { id: string; body: string; sends: number };

const CONNECT_MILLIS = 5_000;
const ANSWER_MILLIS = 10_000;
const BUSY = 451;

export class Mailbox {
  mood: MailMood = 'well';
  private readonly boxes = new Map<string, Kept[]>();
  private readonly sockets = new Set<Socket>();
  private server: SMTPServer | undefined;
  private port = 0;
  private readonly parleyPort: number;

  /** `parleyPort`: where Parley listens for mail. */
  constructor(parleyPort: number) {
    this.parleyPort = parleyPort;
  }

  async listen(): Promise<number> {
    const server = this.server = new SMTPServer({
      disabledCommands: ['AUTH'], hideSTARTTLS: true, logger: false, disableReverseLookup: true, closeTimeout: 100,
      onData: async (stream, { envelope: { rcptTo } }, callback) => {
        const mail = await simpleParser(stream).catch(() => undefined);
        if (!mail) return undefined; // a session that ended in the middle
        if (this.mood === 'busy') return callback(Object.assign(new Error('busy'), { responseCode: BUSY }));
        this.keep(rcptTo[0]!.address, mail.messageId ?? '', (mail.text ?? '').split('\n')[0]!.trim());
        if (this.mood === 'cut') return this.dropSessions();
        return this.mood === 'silent' ? undefined : callback(null);
      },
    });
    server.on('error', () => {});
    server.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.server.once('error', reject);
      server.listen(this.port, '127.0.0.1', () => resolve());
    });
    this.port = (server.server.address() as AddressInfo).port;
    return this.port;
  }

  /** What this person has, in order; a mail with a Message-ID that is there is the same mail once more. */
  received(address: string): { body: string; sends: number }[] {
    return this.boxes.get(address) ?? [];
  }

  /** A person writes; resolves when Parley has it. Throws Refused when it wants the mail never, anything else when it may later. */
  async says(person: string, to: string, messageId: string, text: string): Promise<void> {
    const transport = createTransport({
      host: '127.0.0.1', port: this.parleyPort, ignoreTLS: true, connectionTimeout: CONNECT_MILLIS, greetingTimeout: CONNECT_MILLIS, socketTimeout: ANSWER_MILLIS,
    });
    try {
      await transport.sendMail({ from: person, to, subject: 'Chaos', messageId, text });
    } catch (error) {
      const { responseCode = 0, message } = error as { responseCode?: number; message: string };
      throw responseCode >= 500 ? new Refused(`mail refused: ${message}`) : error;
    } finally {
      transport.close();
    }
  }

  dropSessions(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** `listen` ends it. */
  async goAway(): Promise<void> {
    const closed = new Promise<void>((resolve) => (this.server ? this.server.close(() => resolve()) : resolve()));
    this.dropSessions();
    await closed;
  }

  private keep(address: string, id: string, body: string): void {
    const box = this.boxes.get(address) ?? [];
    this.boxes.set(address, box);
    const known = box.find((mail) => mail.id === id);
    if (known) known.sends++;
    else box.push({ id, body, sends: 1 });
  }
}
