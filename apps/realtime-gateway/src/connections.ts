/** All open sockets: admission, limits, heartbeats, ends of tokens, the end of the process. */
import type { Accounts } from '@parley/event-store/accounts';
import { metrics } from '@parley/telemetry/metrics';
import type { Principal } from '@parley/event-store/access-token';
import type { Presence } from '@parley/runtime/presence';
import type { RealtimeLimits } from './limits.js';
import { closing, type Session } from './session.js';

const SWEEP_MILLIS_MAX = 1_000;
/** A client is told this long before its token ends. */
const EXPIRY_NOTICE_MILLIS = 180_000;

export class Connections {
  private readonly sessions = new Set<Session>();
  private readonly perAccount = new Map<string, number>();
  private unauthenticated = 0;
  private readonly sweeper: NodeJS.Timeout;
  private readonly rechecker: NodeJS.Timeout;

  constructor(
    private readonly limits: RealtimeLimits, private readonly accounts: Accounts, private readonly onGone: (session: Session) => void,
    private readonly presence?: Presence,
  ) {
    this.sweeper = setInterval(() => this.sweep(), Math.min(SWEEP_MILLIS_MAX, limits.heartbeatMillis / 4)).unref();
    this.rechecker = setInterval(() => void this.recheck().catch(() => {}), limits.recheckMillis).unref(); // asked again next time
    metrics.gauge('parley_realtime_sockets', 'Open websockets', () => this.sessions.size);
  }

  /** False when too many sockets have not said who they are. */
  get hasRoom(): boolean { return this.unauthenticated < this.limits.unauthenticatedMax; }

  add(session: Session): void {
    this.sessions.add(session);
    this.unauthenticated += 1;
    session.onClosed = () => this.remove(session);
  }

  /** Counts it to its account and says `ready`; closes it when the account has too many. */
  admit(session: Session, principal: Principal): void {
    const { account } = principal;
    const count = this.perAccount.get(account) ?? 0;
    if (count >= this.limits.socketsPerAccountMax) {
      session.refuse(undefined, 20429, 'Too many websockets of this account');
      return session.end(closing.tooMany, 'too many websockets of this account');
    }
    this.perAccount.set(account, count + 1);
    this.unauthenticated -= 1;
    session.principal = principal;
    if (principal.identity !== undefined) this.presence?.arrived(principal.service!, principal.identity);
    session.say({ type: 'ready', ...this.standing(principal) });
  }

  /** A new token for the same member. False when it is somebody else's. */
  renew(session: Session, principal: Principal, id: string | number | undefined): boolean {
    const { account, identity, service } = session.principal!;
    if (principal.account !== account || principal.identity !== identity || principal.service !== service) return false;
    session.principal = principal;
    session.expiryTold = false;
    session.say({ type: 'ready', id, ...this.standing(principal) });
    return true;
  }

  /** Tells everybody to come back. */
  close(): void {
    clearInterval(this.sweeper);
    clearInterval(this.rechecker);
    for (const session of this.sessions) {
      session.say({ type: 'closing', message: 'The server restarts. Connect again and resume from the last position you saw.' });
      session.end(closing.goingAway, 'server restarts, resume');
    }
  }

  private standing({ account, identity, service, expiresAt }: Principal): object {
    return {
      account_sid: account, identity: identity ?? null, chat_service_sid: service ?? null,
      expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(), heartbeat_seconds: this.limits.heartbeatMillis / 1000,
    };
  }

  private remove(session: Session): void {
    if (!this.sessions.delete(session)) return;
    this.onGone(session);
    const { account, identity, service } = session.principal ?? {};
    if (identity !== undefined) this.presence?.left(service!, identity);
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
    const { helloMillis, heartbeatMillis } = this.limits;
    for (const session of this.sessions) {
      if (!session.principal) {
        if (now - session.openedAt > helloMillis) session.end(closing.timeout, 'no hello in time');
        continue;
      }
      if (now - session.heardAt > 2.5 * heartbeatMillis) session.end(closing.timeout, 'no sign of life');
      else if (now - session.pingedAt >= heartbeatMillis) session.ping();
      const { expiresAt } = session.principal;
      if (expiresAt === undefined) continue;
      if (now >= expiresAt) {
        session.refuse(undefined, 20104, 'Access Token expired or expiration date invalid');
        session.end(closing.unauthenticated, 'token expired');
      } else if (!session.expiryTold && now >= expiresAt - EXPIRY_NOTICE_MILLIS) {
        session.expiryTold = true;
        session.say({ type: 'token_expiring', expires_at: new Date(expiresAt).toISOString() });
      }
    }
  }

  private async recheck(): Promise<void> {
    const refused = new Map<string, boolean>();
    for (const { principal } of [...this.sessions]) {
      if (!principal) continue;
      const { account, key } = principal;
      const name = `${account} ${key ?? ''}`;
      if (refused.has(name)) continue;
      const active = (await this.accounts.find(account))?.status === 'active';
      refused.set(name, !active || (key !== undefined && !(await this.accounts.findKey(key))));
    }
    for (const session of this.sessions) {
      const { account, key } = session.principal ?? {};
      if (refused.get(`${account} ${key ?? ''}`)) session.end(closing.forbidden, 'account or key no longer active');
    }
  }
}
