/**
 * NATS for specs. `testNatsUrl()` is the server `npm test` started for everybody (TEST_NATS_URL); `PrivateNats` is one that a
 * spec may stop, wipe and start again, from the program TEST_NATS_SERVER names, else `nats-server` on the PATH.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function testNatsUrl(): string {
  const url = process.env.TEST_NATS_URL;
  if (!url) throw new Error('TEST_NATS_URL is not set: run the tests by `npm test`');
  return url;
}

export class PrivateNats {
  private process: ChildProcess | undefined;
  private constructor(private readonly folder: string, readonly port: number, private readonly storeMax: string | undefined) {}
  get store(): string { return join(this.folder, 'store'); }
  get url(): string { return `nats://127.0.0.1:${this.port}`; }

  /** `storeMax`: what JetStream may use of the disk, as `1G`. */
  static async start(storeMax?: string): Promise<PrivateNats> {
    const nats = new PrivateNats(await mkdtemp(join(tmpdir(), 'parley-nats-')), await freePort(), storeMax);
    await nats.run();
    return nats;
  }

  async run(): Promise<void> {
    const program = process.env.TEST_NATS_SERVER ?? 'nats-server';
    const options = ['-a', '127.0.0.1', '-p', String(this.port)];
    if (this.storeMax === undefined) options.push('-js', '-sd', this.store);
    else {
      const file = join(this.folder, 'nats.conf');
      await writeFile(file, `jetstream { store_dir: ${JSON.stringify(this.store)}, max_file_store: ${this.storeMax} }\n`);
      options.push('-c', file);
    }
    const child = spawn(program, options, { stdio: 'ignore' });
    this.process = child;
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    await Promise.race([failed, until(() => answers(this.port))]);
  }

  /** As a crash does it. */
  async kill(): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** It is there and answers nothing, as behind a network that lost its way. */
  freeze(): void { this.process?.kill('SIGSTOP'); }

  /** Loses everything JetStream had stored; a running server keeps what it has in memory. */
  wipe(): Promise<void> { return rm(this.store, { recursive: true, force: true }); }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Polls until the condition holds; throws after `ms`. */
export async function until(condition: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`still not so after ${ms} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const answers = (port: number) => new Promise<boolean>((resolve) => {
  const socket = connect(port, '127.0.0.1');
  socket.once('data', () => { socket.destroy(); resolve(true); });
  socket.once('error', () => resolve(false));
});
