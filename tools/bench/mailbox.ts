/** The mail server of `outbound` (outbound-mailbox.ts) as its parent sees it. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { MailboxReply } from './outbound-mailbox.ts';

export class Mailbox {
  private readonly child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.port = port;
  }

  static async start(): Promise<Mailbox> {
    const child = fork(fileURLToPath(new URL('outbound-mailbox.ts', import.meta.url)), { execArgv: ['--disable-warning=ExperimentalWarning'] });
    const { port } = (await told(child)) as { port: number };
    return new Mailbox(child, port);
  }

  /** Mails that came with a Message-ID it has had, since this was asked last. */
  async twice(): Promise<number> {
    const answer = told(this.child);
    this.child.send('twice?');
    return ((await answer) as { twice: number }).twice;
  }

  stop(): void {
    this.child.disconnect();
  }
}

const told = (child: ChildProcess) => new Promise<MailboxReply>((resolve, reject) => {
  const ended = () => reject(new Error('the mail server ended'));
  child.once('exit', ended);
  child.once('message', (reply: MailboxReply) => {
    child.off('exit', ended);
    resolve(reply);
  });
});
