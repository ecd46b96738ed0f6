/** An installation of its own in a temporary home: fresh data, free ports, gone afterwards whatever happens. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startInstallation, type Installation } from '../../infra/local/installation.mjs';
import { residentMiB } from './process-cpu.ts';
import { rounded } from './statistics.ts';

/** For a Node process: writes its CPU profile into this folder when it ends. */
export const profiling = (folder: string | undefined): NodeJS.ProcessEnv =>
  (folder === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` });

const running = new Set<TestInstallation>();

/** `env`: settings of the services. */
export type TestInstallationOptions = { services: boolean; say: (line: string) => void; profile?: string | undefined; env?: NodeJS.ProcessEnv };

export class TestInstallation {
  private readonly inner: Installation;
  readonly home: string;
  private failed = false;
  /** Homes of those that were not removed. */
  static readonly kept: string[] = [];

  private constructor(inner: Installation, home: string) {
    this.inner = inner;
    this.home = home;
  }

  static async start({ services, say, profile, env = {} }: TestInstallationOptions): Promise<TestInstallation> {
    const home = mkdtempSync(join(tmpdir(), 'parley-bench-'));
    try {
      // The caller's own servers are not ours to load.
      const given = { DATABASE_URL: '', KEYS_DATABASE_URL: '', NATS_URL: '', REDIS_URL: '', PUBLIC_URL: '', ...profiling(profile), ...env };
      const inner = await startInstallation({ home, port: 0, services, env: given, say });
      const installation = new TestInstallation(inner, home);
      running.add(installation);
      return installation;
    } catch (error) {
      rmSync(home, { recursive: true, force: true });
      throw error;
    }
  }

  get info(): Installation['info'] {
    return this.inner.info;
  }

  get servers(): Installation['servers'] {
    return this.inner.servers;
  }

  get apps(): Installation['apps'] {
    return this.inner.apps;
  }

  /** One more process of a service; only where each service is a process of its own. */
  addInstance(app: string): ReturnType<Installation['addInstance']> {
    return this.inner.addInstance(app);
  }

  /** The roots of its process trees by name: `parley` or each service, postgres, nats, redis. */
  processes(): Record<string, number> {
    const parts = { ...this.inner.apps, ...this.inner.servers };
    return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.pid]));
  }

  /** MiB of each of our Node processes, without the launcher. */
  nodeMemory(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.inner.apps).map(([name, { pid }]) => [name, rounded(residentMiB(pid), 0)]));
  }

  /** Leave the folder where it is, for somebody to look into. */
  keep(): void {
    this.failed = true;
  }

  /** Runs `work` and stops; when it throws, the folder stays. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.keep();
      throw error;
    } finally {
      await this.stop();
    }
  }

  async stop(): Promise<void> {
    if (!running.delete(this)) return;
    await this.inner.stop();
    if (this.failed) TestInstallation.kept.push(this.home);
    else rmSync(this.home, { recursive: true, force: true });
  }

  /** For the end of the program, also an early one. */
  static async stopAll(): Promise<void> {
    await Promise.all([...running].map((installation) => installation.stop()));
  }
}
