/**
 * Tells clients who is online, now and at each change. Instances tell each other of changes; what is lost on the way, or changes
 * without anybody telling (Redis was emptied, a service's settings changed), is found by looking again every now and then.
 */
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { whoIsOnline, type Somebody } from '@parley/runtime/presence';
import { logger } from '@parley/telemetry/logger';
import type { Redis } from 'ioredis';
import type { FrameOf } from './client-frames.js';
import { FairRoom } from './fair-room.js';
import type { Session } from './session.js';
import type { Signals } from './signals.js';

const LOOK_AGAIN_MILLIS = 10_000;
const AT_ONCE = 500;
/** Of all there is room for: an account may watch so many whatever the others do. */
const LITTLE = 0.01;
const log = logger('presence');

/** null: the service does not tell, or Redis is away. */
type Online = boolean | null;
type Watched = { who: Somebody; /** What each was told. */ told: Map<Session, Online | undefined> };
type Scope = Omit<Somebody, 'identity'>;
const scopeKey = ({ account, service }: Scope) => `${account}/${service}`;
const keyOf = (who: Somebody) => `${scopeKey(who)}/${who.identity}`;

export class PresenceWatch {
  private readonly watched = new Map<string, Watched>();
  private readonly bySession = new Map<Session, Set<string>>();
  private readonly room: FairRoom;
  /** To be looked at, by account, then by service. */
  private readonly due = new Map<string, Map<string, Set<string>>>();
  private looking = false;
  private readonly timer: NodeJS.Timeout;

  /** `watchesMax`: of sockets and whom they look at, in this process. */
  constructor(private readonly pool: Pool, private readonly redis: Redis, private readonly accounts: Accounts, signals: Signals, watchesMax: number) {
    this.room = new FairRoom(watchesMax, Math.ceil(LITTLE * watchesMax));
    signals.onReachability((who) => this.look([keyOf(who)]));
    this.timer = setInterval(() => this.look(this.watched.keys()), LOOK_AGAIN_MILLIS).unref();
  }

  /** Instead of those named before; when that is refused, they stay. */
  async watch(session: Session, { id, identities, chat_service_sid: named }: FrameOf<'presence'>): Promise<void> {
    const { account, service = named ?? (await this.accounts.find(account))?.defaultChatServiceSid } = session.principal!;
    if (!session.open) return;
    if (service === undefined || (named && named !== service)) return session.refuse(id, 20404, 'The requested resource was not found', { chat_service_sid: named });
    const wanted = new Set(identities);
    const before = this.bySession.get(session)?.size ?? 0;
    if (wanted.size > before && !this.room.take(account, wanted.size - before)) return session.refuse(id, 20429, 'Too many users are watched already');
    this.unwatch(session);
    if (wanted.size < before) this.room.give(account, before - wanted.size);
    const mine = new Set<string>();
    for (const identity of wanted) {
      const who = { account, service, identity };
      const key = keyOf(who);
      mine.add(key);
      const watched = this.watched.get(key);
      if (watched) watched.told.set(session, undefined);
      else this.watched.set(key, { who, told: new Map([[session, undefined]]) });
    }
    if (mine.size > 0) this.bySession.set(session, mine);
    this.look(mine);
  }

  remove(session: Session): void {
    const count = this.bySession.get(session)?.size;
    if (count === undefined) return;
    this.unwatch(session);
    this.room.give(session.principal!.account, count);
  }

  close(): void { clearInterval(this.timer); }

  private unwatch(session: Session): void {
    const mine = this.bySession.get(session);
    this.bySession.delete(session);
    for (const key of mine ?? []) {
      const watched = this.watched.get(key)!;
      watched.told.delete(session);
      if (watched.told.size === 0) this.watched.delete(key);
    }
  }

  private look(keys: Iterable<string>): void {
    for (const key of keys) {
      const watched = this.watched.get(key);
      if (!watched) continue;
      const { account } = watched.who;
      const scope = scopeKey(watched.who);
      let due = this.due.get(account);
      if (!due) this.due.set(account, (due = new Map()));
      const keys = due.get(scope);
      if (keys) keys.add(key);
      else due.set(scope, new Set([key]));
    }
    if (!this.looking && this.due.size > 0) void this.lookAtAll();
  }

  /** One look after the other: an older answer never comes behind a newer one. Accounts take turns. */
  private async lookAtAll(): Promise<void> {
    this.looking = true;
    try {
      for (const [account, scopes] of this.due) { // what is added meanwhile comes last
        const [scope, keys] = scopes.entries().next().value!;
        const batch: Watched[] = [];
        for (const key of keys) {
          keys.delete(key);
          const watched = this.watched.get(key);
          if (watched && batch.push(watched) === AT_ONCE) break;
        }
        scopes.delete(scope);
        if (keys.size > 0) scopes.set(scope, keys);
        this.due.delete(account);
        if (scopes.size > 0) this.due.set(account, scopes);
        if (batch.length > 0) await this.lookAt(batch);
      }
    } catch (error) {
      log.warn('who is online could not be read, it is tried again', { error });
      this.due.clear();
    } finally {
      this.looking = false;
    }
  }

  /** All of one service. */
  private async lookAt(batch: readonly Watched[]): Promise<void> {
    const { account, service } = batch[0]!.who;
    const { rows: [row] } = await this.pool.query<{ reachable: boolean }>({
      name: 'realtime-reachability', text: 'select reachability_enabled as reachable from model.service where sid = $1 and account = $2', values: [service, account],
    });
    const online = row?.reachable ? await whoIsOnline(this.redis, { account, service }, batch.map(({ who }) => who.identity)) : null;
    batch.forEach(({ who: { identity }, told }, n) => {
      const now = online?.[n] ?? null;
      for (const [session, before] of told) {
        if (before === now) continue;
        told.set(session, now);
        session.say({ type: 'presence', identity, online: now });
      }
    });
  }
}
