/** All open sockets of one protocol: admission, limits, signs of life, ends of tokens, accounts and keys, the end of the process. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Accounts } from '@parley/event-store/accounts';
import { metrics } from '@parley/telemetry/metrics';
import type { Principal } from '@parley/event-store/access-token';
import type { Presence } from '@parley/runtime/presence';
import { verifyBasicHeader } from './basic-header.js';
import type { RealtimeLimits } from './limits.js';

const SWEEP_MILLIS_MAX = 1_000;
const CLOSE_TIMEOUT = 4010;
/** The end of the process spreads the goodbyes: so many milliseconds for each, as long as there is time for that. */
const GOODBYE_MILLIS = 5;
const DRAIN_TICK_MILLIS = 10;

/** A client's socket; what it is told, each protocol says in its own words. */
export interface Connected {
  /** Undefined until it has said who it is. */
  principal: Principal | undefined;
  /** The Authorization header it was opened with, when that was Basic. */
  readonly basic?: string | undefined;
  readonly openedAt: number;
  heardAt: number;
  pingedAt: number;
  expiryTold: boolean;
  onClosed: () => void;
  /** Bytes it was told and has not read. */
  readonly backlogWithPending: number;
  /** It waits for the answer to something it asked for. */
  readonly busy: boolean;
  ping(): void;
  end(code: number, reason: string): void;
  /** At `expiresAt` (milliseconds) its token ends. */
  tokenEnds(expiresAt: number): void;
  /** These three end it. */
  tokenEnded(): void;
  revoked(): void;
  serverStops(): void;
}

export type ConnectionsParts<Client> = {
  limits: RealtimeLimits;
  accounts: Accounts;
  presence: Presence | undefined;
  /** A client is told this long before its token ends. */
  noticeMillis: number;
  /** Begins the names of its metrics; whose websockets they are. */
  metrics: { prefix: string; of: string };
  onGone(client: Client): void;
};

export class Connections<Client extends Connected> {
  private readonly clients = new Set<Client>();
  private readonly perAccount = new Map<string, number>();
  private unauthenticated = 0;
  private readonly sweeper: NodeJS.Timeout;
  private readonly rechecker: NodeJS.Timeout;

  constructor(private readonly parts: ConnectionsParts<Client>) {
    const { limits, metrics: { prefix, of } } = parts;
    this.sweeper = setInterval(() => this.sweep(), Math.min(SWEEP_MILLIS_MAX, limits.heartbeatMillis / 4)).unref();
    this.rechecker = setInterval(() => void this.recheck().catch(() => {}), limits.recheckMillis).unref(); // asked again next time
    metrics.gauge(`${prefix}_sockets`, `Open websockets${of}`, () => this.clients.size);
    metrics.gauge(`${prefix}_backlog_bytes`, `Bytes that wait to be read by websockets${of}`, () => [...this.clients].reduce((sum, client) => sum + client.backlogWithPending, 0));
  }

  /** False when too many sockets have not said who they are. */
  get hasRoom(): boolean { return this.unauthenticated < this.parts.limits.unauthenticatedMax; }

  add(client: Client): void {
    this.clients.add(client);
    this.unauthenticated += 1;
    // Who came in the same moment is not asked for signs of life in the same moment: of thousands that would hold up everybody.
    client.pingedAt -= Math.random() * this.parts.limits.heartbeatMillis;
    client.onClosed = () => this.remove(client);
  }

  /** Counts it to its account. False: the account has as many as it may. */
  admit(client: Client, principal: NonNullable<Client['principal']>): boolean {
    const { account, service, identity } = principal;
    const count = this.perAccount.get(account) ?? 0;
    if (count >= this.parts.limits.socketsPerAccountMax) return false;
    this.perAccount.set(account, count + 1);
    this.unauthenticated -= 1;
    client.principal = principal;
    if (identity !== undefined) this.parts.presence?.arrived({ account, service: service!, identity });
    return true;
  }

  /** A new token for the same member. False when it is somebody else's. */
  renew(client: Client, principal: NonNullable<Client['principal']>): boolean {
    const { account, identity, service } = client.principal!;
    if (principal.account !== account || principal.identity !== identity || principal.service !== service) return false;
    client.principal = principal;
    client.expiryTold = false;
    return true;
  }

  /**
   * Sends everybody away: in random order and spread over at most `millis`, so that they do not all come back elsewhere in the
   * same moment. Who waits for an answer gets it first, unless that takes longer than `millis`. Nobody may be added meanwhile.
   */
  async drain(millis: number): Promise<void> {
    let waiting = shuffled([...this.clients]);
    const [begin, count] = [performance.now(), waiting.length];
    const spread = Math.max(1, Math.min(millis, count * GOODBYE_MILLIS));
    while (waiting.length > 0) {
      const elapsed = performance.now() - begin;
      let due = elapsed >= spread ? waiting.length : Math.ceil((count * elapsed) / spread) - (count - waiting.length);
      waiting = waiting.filter((client) => {
        if (!this.clients.has(client)) return false; // gone by itself
        if (due <= 0 || (client.busy && elapsed < millis)) return true;
        due -= 1;
        client.serverStops();
        return false;
      });
      if (waiting.length > 0) await pause(DRAIN_TICK_MILLIS);
    }
    clearInterval(this.sweeper);
    clearInterval(this.rechecker);
  }

  private remove(client: Client): void {
    if (!this.clients.delete(client)) return;
    this.parts.onGone(client);
    const { account, identity, service } = client.principal ?? {};
    if (identity !== undefined) this.parts.presence?.left({ account: account!, service: service!, identity });
    if (account === undefined) {
      this.unauthenticated -= 1;
      return;
    }
    const left = this.perAccount.get(account)! - 1;
    if (left === 0) this.perAccount.delete(account);
    else this.perAccount.set(account, left);
  }

  private sweep(): void {
    const now = Date.now();
    const { limits: { helloMillis, heartbeatMillis }, noticeMillis } = this.parts;
    for (const client of [...this.clients]) {
      if (!client.principal) {
        if (now - client.openedAt > helloMillis) client.end(CLOSE_TIMEOUT, 'did not say who it is in time');
        continue;
      }
      if (now - client.heardAt > 2.5 * heartbeatMillis) {
        client.end(CLOSE_TIMEOUT, 'no sign of life');
        continue;
      }
      if (now - client.pingedAt >= heartbeatMillis) {
        client.pingedAt = now;
        client.ping();
      }
      const { expiresAt } = client.principal;
      if (expiresAt === undefined) continue;
      if (now >= expiresAt) client.tokenEnded();
      else if (!client.expiryTold && now >= expiresAt - noticeMillis) {
        client.expiryTold = true;
        client.tokenEnds(expiresAt);
      }
    }
  }

  private async recheck(): Promise<void> {
    const { accounts } = this.parts;
    const refused = new Map<string, boolean>();
    for (const client of [...this.clients]) {
      const { principal, basic } = client;
      if (!principal) continue;
      const name = credentialsOf(client);
      if (refused.has(name)) continue;
      const { account, key } = principal;
      const active = (await accounts.find(account))?.status === 'active';
      // An auth token may have been rotated away meanwhile: the account alone does not tell.
      const known = basic !== undefined ? await verifyBasicHeader(basic, accounts) : key === undefined || (await accounts.findKey(key));
      refused.set(name, !active || !known);
    }
    for (const client of [...this.clients]) if (client.principal && refused.get(credentialsOf(client))) client.revoked();
  }
}

/** What those have in common who may stay or have to go together. */
const credentialsOf = ({ principal, basic }: Connected): string => basic ?? `${principal!.account} ${principal!.key ?? ''}`;

/** Fisher and Yates. */
function shuffled<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
