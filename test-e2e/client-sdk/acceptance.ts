/** A run of the acceptance program (main.ts) as a process of its own, as an application is: what the SDK leaves behind ends with it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { SdkVersion } from './versions.js';

export type Outcome = { /** Names of the steps that passed. */ passed: string[]; /** Why it ended early; empty: it did not. */ problem: string };

const PROGRAM = join(import.meta.dirname, 'main.ts');

export class Acceptance {
  readonly outcome: Promise<Outcome>;
  private readonly child: ChildProcess;

  /** `home`: of the installation. */
  constructor(home: string, version: SdkVersion, ...options: string[]) {
    this.child = spawn(process.execPath, [PROGRAM, version, ...options], { env: { ...process.env, PARLEY_HOME: home, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [this.child.stdout!, this.child.stderr!]) stream.on('data', (text: Buffer) => (output += String(text)));
    this.outcome = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code) => resolve({
        passed: [...output.matchAll(/^ok \d+ - (.*) # \d+ ms$/gm)].map(([, name]) => name!),
        problem: code === 0 ? '' : output.split('\n').filter((line) => !line.startsWith('ok ')).join('\n'),
      }));
    });
    void this.outcome.catch(() => {});
  }

  stop(): void { this.child.kill('SIGKILL'); }
}
