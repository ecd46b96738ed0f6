/**
 * Takes mail out of a mailbox: whatever does not carry our mark yet is stored, then marked. Mail that comes twice is the same
 * event, so nothing has to be remembered here, and a mailbox that was rebuilt on its server harms nobody.
 */
import { logger } from '@parley/telemetry/logger';
import { ImapFlow } from 'imapflow';
import type { LookupFunction } from 'node:net';
import { addressBy } from '../../dial.js';
import { MAIL_BYTES_MAX } from './mail-listener.js';

export type MailboxSettings = {
  host: string; port?: number | undefined; tls?: 'immediate' | 'none' | undefined; folder?: string | undefined; moveTo?: string | undefined;
  pollSeconds?: number | undefined; user: string; password: string;
  /** As CarrierConnection has it. */
  lookup?: LookupFunction | undefined;
};

const MARK = '$ParleyTaken';
const RETRY_MILLIS = 1_000;
const RETRY_MILLIS_MAX = 60_000;
/** Mails of one look that may fail before the rest is left for the next. */
const FAILURES_MAX = 5;
const log = logger('imap');

export class ImapMailbox {
  private running: Promise<void> | undefined;
  private client: ImapFlow | undefined;
  private stopped = false;
  /** Mail came, the connection broke, or it is over: ends the present pause, or the next one. */
  private wake: () => void = () => { this.news = true; };
  private news = false;

  constructor(
    private readonly settings: MailboxSettings,
    private readonly take: (raw: Buffer) => Promise<void>,
  ) {}

  /** Returns at once; connects, and connects again, until `close`. */
  open(): void {
    this.running = this.run();
  }

  async close(): Promise<void> {
    this.stopped = true;
    this.wake();
    this.client?.close();
    await this.running;
  }

  private async run(): Promise<void> {
    for (let pause = RETRY_MILLIS; !this.stopped; pause = Math.min(pause * 2, RETRY_MILLIS_MAX)) {
      try {
        await this.session(() => { pause = RETRY_MILLIS; });
      } catch (error) {
        if (!this.stopped) log.warn('mailbox not read, trying again', { host: this.settings.host, error });
      }
      await this.pause(pause);
    }
  }

  private async session(onConnected: () => void): Promise<void> {
    const { host, tls = 'immediate', port = tls === 'immediate' ? 993 : 143, user, password: pass, folder = 'INBOX', pollSeconds = 60, lookup } = this.settings;
    const place = lookup ? await addressBy(lookup, host) : { host };
    const client = new ImapFlow({ ...place, port, secure: tls === 'immediate', auth: { user, pass }, logger: false, ...(tls === 'none' && { doSTARTTLS: false }) });
    this.client = client;
    let broken = false;
    client.on('exists', () => this.wake());
    client.on('error', () => { broken = true; this.wake(); });
    client.on('close', () => { broken = true; this.wake(); });
    try {
      await client.connect();
      onConnected();
      const lock = await client.getMailboxLock(folder);
      try {
        while (!this.stopped && !broken) {
          await this.takeAll(client);
          await this.pause(pollSeconds * 1000);
          // A mailbox that was empty when it was opened stays so for the client until it asks.
          if (!this.stopped && !broken) await client.noop();
        }
      } finally {
        lock.release();
      }
    } finally {
      client.close();
    }
  }

  private async takeAll(client: ImapFlow): Promise<void> {
    const mayMark = client.mailbox !== false && client.mailbox.permanentFlags?.has('\\*') === true;
    const uids = await client.search(mayMark ? { unKeyword: MARK } : { seen: false }, { uid: true });
    const failures: Error[] = [];
    for (const uid of uids || []) {
      // With several, the trouble is ours and not the mail's.
      if (this.stopped || failures.length >= FAILURES_MAX) break;
      const failure = await this.takeOne(client, String(uid), mayMark);
      if (failure) failures.push(failure);
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Why it could not be stored: it stays for the next time, and those behind it need not wait for that. Throws when the mailbox fails. */
  private async takeOne(client: ImapFlow, uid: string, mayMark: boolean): Promise<Error | undefined> {
    const one = { uid: true } as const;
    const about = await client.fetchOne(uid, { uid: true, size: true }, one);
    if (!about) return undefined;
    if ((about.size ?? 0) > MAIL_BYTES_MAX) log.warn('mail left in its mailbox: too large', { uid, bytes: about.size });
    else {
      const mail = await client.fetchOne(uid, { source: true }, one);
      const failure = mail && mail.source ? await this.take(mail.source).then(() => undefined, (error: Error) => error) : undefined;
      if (failure) return failure;
    }
    await client.messageFlagsAdd(uid, mayMark ? ['\\Seen', MARK] : ['\\Seen'], one);
    if (this.settings.moveTo !== undefined) await client.messageMove(uid, this.settings.moveTo, one);
    return undefined;
  }

  private pause(millis: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake(), this.news || this.stopped ? 0 : millis);
      this.news = false;
      this.wake = () => {
        clearTimeout(timer);
        this.wake = () => { this.news = true; };
        resolve();
      };
    });
  }
}
