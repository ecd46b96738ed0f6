/** A load process as its parent sees it. */
import { fork, type ChildProcess } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { LoadCall, LoadReply } from './load-process.ts';
import type { LoadKind, LoadResult, Wrong } from './load.ts';
import type { Member } from './member-socket.ts';
import type { Access } from './rest-client.ts';
import type { Pace } from './request-pool.ts';
import { profiling } from './test-installation.ts';

export class LoadGenerator {
  private readonly child: ChildProcess;

  constructor(kind: LoadKind, profile?: string) {
    // 64 MiB of young generation: fewer collections in the process that measures latency.
    this.child = fork(fileURLToPath(new URL('load-process.ts', import.meta.url)), [kind], {
      execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=64'], env: { ...process.env, ...profiling(profile) },
    });
    // The crowd's own work would be done by thousands of other machines: it takes no time from those who measure.
    if (kind === 'crowd') setPriority(this.pid, constants.priority.PRIORITY_LOW);
  }

  get pid(): number {
    return this.child.pid!;
  }

  async open(access: Access, members?: readonly Member[]): Promise<void> {
    await this.call({ call: 'open', access, ...(members && { members }) });
  }

  round(pace: Pace): Promise<LoadResult> {
    return this.call({ call: 'round', pace }) as Promise<LoadResult>;
  }

  verify(): Promise<Wrong> {
    return this.call({ call: 'verify' }) as Promise<Wrong>;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return resolve();
      this.child.once('exit', () => resolve());
      this.child.disconnect(); // it ends by itself then
    });
  }

  private call(call: LoadCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null, signal: string | null) => reject(new Error(`the load generator ended: ${signal ?? code}`));
      this.child.once('exit', ended);
      this.child.once('message', (reply: LoadReply) => {
        this.child.off('exit', ended);
        if ('error' in reply) reject(new Error(reply.error));
        else resolve(reply.result);
      });
      this.child.send(call);
    });
  }
}
