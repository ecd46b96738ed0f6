/** Somebody with the official client SDK who follows a conversation (follow.ts), as the test sees him. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { until } from '../installation.js';
import type { Order, Told } from './follow.ts';
import type { SdkVersion } from './versions.js';

export class Follower {
  /** Bodies of the messages it was told of, in that order, over all its connections. */
  readonly added: string[] = [];
  private following = false;
  private readonly cuts: boolean[] = [];
  private problem: string | undefined;
  private readonly child: ChildProcess;

  private constructor(home: string, version: SdkVersion, readonly identity: string, conversation: string, clientWsUrl: string) {
    const env = { ...process.env, PARLEY_HOME: home, NODE_OPTIONS: '' };
    this.child = fork(join(import.meta.dirname, 'follow.ts'), [version, identity, conversation, clientWsUrl], { env, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.child.on('message', (told: Told) => {
      if ('added' in told) this.added.push(told.added);
      else if ('cut' in told) this.cuts.push(told.cut);
      else if ('problem' in told) this.problem = told.problem;
      else this.following = true;
    });
  }

  /** Resolves when he has the conversation open: from then on nothing is missed. `home`: of the installation; `clientWsUrl`: where to connect. */
  static async start(home: string, version: SdkVersion, identity: string, conversation: string, clientWsUrl: string): Promise<Follower> {
    const follower = new Follower(home, version, identity, conversation, clientWsUrl);
    await until(async () => follower.following, `${follower.identity} follows`);
    return follower;
  }

  /** Cuts its line, which comes back after so many milliseconds. False: it was on its way back and had none. */
  async cut(downMillis: number): Promise<boolean> {
    const before = this.cuts.length;
    this.order({ cut: true, downMillis });
    await until(async () => this.cuts.length > before, `the line of ${this.identity} is cut`);
    return this.cuts.at(-1)!;
  }

  /** What went wrong in the SDK that no cut explains; empty: nothing. */
  async ending(): Promise<string> {
    this.order({ end: true });
    return until(async () => (this.problem === undefined ? undefined : { text: this.problem }), `${this.identity} ends`).then(({ text }) => text);
  }

  stop(): void { this.child.kill('SIGKILL'); }

  private order(order: Order): void { this.child.send(order); }
}
