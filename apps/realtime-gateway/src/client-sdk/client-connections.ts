/** All open sockets of the official client: how many there may be, signs of life, ends of tokens, accounts and keys. */
import type { Accounts } from '@parley/event-store/accounts';
import { metrics } from '@parley/telemetry/metrics';
import type { Presence } from '@parley/runtime/presence';
import type { RealtimeLimits } from '../limits.js';
import { closing, type ClientSession } from './client-session.js';

const SWEEP_MILLIS_MAX = 1_000;
/** As Twilio does: the application has time to fetch another token. */
const EXPIRY_NOTICE_MILLIS = 240_000;

export class ClientConnections {
  private readonly sessions = new Set<ClientSession>();
  private readonly perAccount = new Map<string, number>();
  private unauthenticated = 0;
  private readonly sweeper: NodeJS.Timeout;
  private readonly rechecker: NodeJS.Timeout;

  constructor(
    private readonly limits: RealtimeLimits, private readonly accounts: Accounts, private readonly presence: Presence, private readonly onGone: (session: ClientSession) => void,
  ) {
    this.sweeper = setInterval(() => this.sweep(), Math.min(SWEEP_MILLIS_MAX, limits.heartbeatMillis / 4)).unref();
    this.rechecker = setInterval(() => void this.recheck().catch(() => {}), limits.recheckMillis).unref(); // asked again next time
    metrics.gauge('parley_client_sdk_sockets', 'Open websockets of the official client SDK', () => this.sessions.size);
  }

  /** False when too many sockets have not said who they are. */
  get hasRoom(): boolean { return this.unauthenticated < this.limits.unauthenticatedMax; }

  add(session: ClientSession): void {
    this.sessions.add(session);
    this.unauthenticated += 1;
    session.onClosed = () => this.remove(session);
  }

  /** False: its account has too many. */
  admit(session: ClientSession, principal: NonNullable<ClientSession['principal']>): boolean {
    const count = this.perAccount.get(principal.account) ?? 0;
    if (count >= this.limits.socketsPerAccountMax) return false;
    this.perAccount.set(principal.account, count + 1);
    this.unauthenticated -= 1;
    session.principal = principal;
    this.presence.arrived(principal.service, principal.identity);
    return true;
  }

  close(): void {
    clearInterval(this.sweeper);
    clearInterval(this.rechecker);
    for (const session of [...this.sessions]) session.end(closing.goingAway, 'server restarts');
  }

  private remove(session: ClientSession): void {
    if (!this.sessions.delete(session)) return;
    this.onGone(session);
    if (!session.principal) {
      this.unauthenticated -= 1;
      return;
    }
    const { account, service, identity } = session.principal;
    this.presence.left(service, identity);
    const left = this.perAccount.get(account)! - 1;
    if (left === 0) this.perAccount.delete(account);
    else this.perAccount.set(account, left);
  }

  private sweep(): void {
    const now = Date.now();
    const { helloMillis, heartbeatMillis } = this.limits;
    for (const session of [...this.sessions]) {
      if (!session.principal) {
        if (now - session.openedAt > helloMillis) session.end(closing.timeout, 'no init in time');
        continue;
      }
      if (now - session.heardAt > 2.5 * heartbeatMillis) session.end(closing.timeout, 'no sign of life');
      else if (now - session.pingedAt >= heartbeatMillis) {
        session.pingedAt = now;
        session.say({ method: 'ping' });
      }
      const { expiresAt } = session.principal;
      if (expiresAt === undefined) continue;
      if (now >= expiresAt) session.dismiss({ code: 410, status: 'TOKEN_EXPIRED', description: 'Access Token expired', errorCode: 51207 }, closing.unauthenticated);
      else if (!session.expiryTold && now >= expiresAt - EXPIRY_NOTICE_MILLIS) {
        session.expiryTold = true;
        session.say({ method: 'client_update', client_update_type: 'token_about_to_expire' });
      }
    }
  }

  private async recheck(): Promise<void> {
    const refused = new Map<string, boolean>();
    for (const { principal } of [...this.sessions]) {
      if (!principal || refused.has(`${principal.account} ${principal.key}`)) continue;
      const active = (await this.accounts.find(principal.account))?.status === 'active';
      refused.set(`${principal.account} ${principal.key}`, !active || !(await this.accounts.findKey(principal.key!)));
    }
    for (const session of [...this.sessions]) {
      const { account, key } = session.principal ?? {};
      if (refused.get(`${account} ${key}`)) session.dismiss({ code: 401, status: 'UNAUTHORIZED', description: 'Account or key no longer active', errorCode: 20003 }, closing.forbidden);
    }
  }
}
