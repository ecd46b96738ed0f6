/**
 * A running Parley for black-box tests: its own data, servers and ports, gone afterwards. PARLEY_TOPOLOGY=services runs each
 * service as its own process over NATS; the default, `one`, is everything in one process. The same tests hold for both.
 */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import twilio from 'twilio';
import { startInstallation, type Installation } from '../infra/local/installation.mjs';
import { freshHome } from './fresh-home.js';

export type Credentials = { accountSid: string; authToken: string; apiKeySid: string; apiKeySecret: string; serviceSid: string };
export type PlainRequest = { method?: string; body?: string; headers?: Record<string, string>; as?: Credentials | null };
export type PlainAnswer = { status: number; headers: Headers; body: any };
export type Topology = 'one' | 'services';
export const topology: Topology = process.env['PARLEY_TOPOLOGY'] === 'services' ? 'services' : 'one';

/** Starting takes seconds, with eight processes on a busy machine some more. */
export const START_MS = 300_000;
/** What the caller has set up for itself is not ours to use. */
const nothingGiven = { DATABASE_URL: '', KEYS_DATABASE_URL: '', NATS_URL: '', REDIS_URL: '', PUBLIC_URL: '', PARLEY_KEK: '', LOG_LEVEL: 'warn' };
export const commandLine = join(import.meta.dirname, '..', 'apps', 'parley', 'dist', 'cli.js');
const run = promisify(execFile);

export class Parley {
  private constructor(private readonly home: string, readonly installation: Installation) {}

  static async start({ services = topology === 'services', env = {} }: { services?: boolean; env?: NodeJS.ProcessEnv } = {}): Promise<Parley> {
    const home = await freshHome(nothingGiven);
    try {
      return new Parley(home, await startInstallation({ home, port: 0, services, env: { ...nothingGiven, ...env } }));
    } catch (error) {
      await rm(home, { recursive: true, force: true });
      throw error;
    }
  }

  /** At once: nobody needs the data any more, and how it ends in good order is launcher.e2e.ts' business. */
  async stop(): Promise<void> {
    const { apps, servers } = this.installation;
    await Promise.all([...Object.values(apps), ...Object.values(servers)].map((part) => part.kill()));
    await this.installation.stop();
    await rm(this.home, { recursive: true, force: true });
  }

  get url(): string {
    return this.installation.info.restUrl;
  }

  /** The first account. */
  get account(): Credentials {
    return this.installation.info;
  }

  /** `npm run parley -- …` on this installation; resolves with what it prints. */
  async command(...args: string[]): Promise<string> {
    const env = { ...process.env, ...nothingGiven, PARLEY_HOME: this.installation.home };
    return (await run(process.execPath, [commandLine, ...args], { env })).stdout;
  }

  /** Another account, with keys and default service of its own. */
  async newAccount(): Promise<Credentials> {
    return JSON.parse(await this.command('account', 'create', 'Second')) as Credentials;
  }

  /** The official SDK, with another host. */
  sdk({ accountSid, authToken }: Credentials = this.account): twilio.Twilio {
    return twilio(accountSid, authToken, { httpClient: new Redirected(this.url) });
  }

  sdkWithKey({ accountSid, apiKeySid, apiKeySecret }: Credentials = this.account): twilio.Twilio {
    return twilio(apiKeySid, apiKeySecret, { accountSid, httpClient: new Redirected(this.url) });
  }

  /** Plain HTTP, for what an SDK cannot send; a body makes it a POST. */
  async request(path: string, { method, body, headers = {}, as = this.account }: PlainRequest = {}): Promise<PlainAnswer> {
    const authorization = as && `Basic ${btoa(`${as.accountSid}:${as.authToken}`)}`;
    const type = body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await fetch(this.url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'), headers: { ...(authorization && { authorization }), ...type, ...headers }, body,
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
  }
}

class Redirected extends twilio.RequestClient {
  constructor(private readonly url: string) {
    super({ keepAlive: true });
  }

  override request<TData>(options: { uri: string }) {
    return super.request<TData>({ ...options, uri: options.uri.replace(/^https:\/\/(conversations|api|accounts|iam)\.twilio\.com/, this.url) } as never);
  }
}

/** Asks again until `check` answers something; says what it last got when time is up. */
export async function until<T>(check: () => Promise<T | undefined | false>, what: string, millis = 60_000): Promise<T> {
  const deadline = Date.now() + millis;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`not within ${millis} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
