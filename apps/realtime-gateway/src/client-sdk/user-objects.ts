/**
 * The objects that belong to a user and not to one conversation: what he is in, and what others see of him. Their facts lie
 * in many shards, so an event only says that something is news; what is told is read then, with an id of the session's own.
 */
import type { LogEvent } from '@parley/domain/event';
import type { Somebody } from '@parley/runtime/presence';
import { logger } from '@parley/telemetry/logger';
import { KeyedSets } from './keyed-sets.js';
import { closing, type ClientSession } from './client-session.js';
import { SharedReads } from './shared-reads.js';
import { infoData, mineData, type MineRow } from './sync-data.js';
import { mapEvent } from './sync-events.js';
import type { Reader, SyncReads } from './sync-reads.js';

const CONVERSATIONS_MAX = 100_000;
type Watched = { identity: string; correlation: number };
const log = logger('client-sdk');
const userKey = (of: string, identity: string): string => `${of} ${identity}`;

export const readerOf = ({ principal }: ClientSession): Reader => principal!;

export class UserObjects {
  /** Sessions that follow what their user is in, by account and identity. */
  private readonly followers = new KeyedSets<ClientSession>();
  private readonly byParticipant = new KeyedSets<ClientSession>();
  private readonly byConversation = new KeyedSets<ClientSession>();
  /** Sessions that look at a user, by his SID, and by service and identity. */
  private readonly watchers = new KeyedSets<ClientSession>();
  private readonly watched = new Map<ClientSession, Map<string, Watched>>();
  /** For each read of memberships under way: participants and conversations that went meanwhile, and that it may still find. */
  private readonly loads = new Set<Set<string>>();
  /** What is still to be told to a session of a user it looks at: told once, with what changed meanwhile. */
  private readonly untold = new WeakMap<ClientSession, Map<string, { changed: Set<string>; seen: number; since: number }>>();
  private readonly infos = new SharedReads<{ items: Record<string, object>; updatedAt: number } | undefined>();

  constructor(private readonly reads: SyncReads, private readonly isOnline: (who: Somebody) => Promise<boolean>, private readonly onLeft: (session: ClientSession, conversation: string) => void) {}

  /** Follows what the user is in from now on; resolves with it once everything before is known. */
  async follow(session: ClientSession): Promise<MineRow[]> {
    if (!session.open) return []; // it waited for its turn: nobody would ever forget it
    const reader = readerOf(session);
    this.followers.add(userKey(reader.account, reader.identity), session);
    const rows = await this.stillIn(() => this.reads.mine(reader, { from: undefined, descending: false, limit: CONVERSATIONS_MAX }));
    session.memberships ??= new Map();
    if (session.open) for (const { conversation, participant_sid } of rows) this.remember(session, conversation, participant_sid);
    return rows;
  }

  /** Without those that went while they were read. */
  private async stillIn(read: () => Promise<MineRow[]>): Promise<MineRow[]> {
    const gone = new Set<string>();
    this.loads.add(gone);
    try {
      return (await read()).filter(({ conversation, participant_sid }) => !gone.has(participant_sid) && !gone.has(conversation));
    } finally {
      this.loads.delete(gone);
    }
  }

  /** Looks at a user's name, attributes and reachability, until a cancellation that is no older than `correlation`. */
  watch(session: ClientSession, userSid: string, identity: string, correlation: number): void {
    if (!session.open) return;
    let mine = this.watched.get(session);
    if (!mine) this.watched.set(session, (mine = new Map()));
    mine.set(userSid, { identity, correlation });
    this.watchers.add(userSid, session);
    this.watchers.add(userKey(session.principal!.service, identity), session);
  }

  /** Sessions and whom or what they look at. */
  get size(): number { return this.followers.size + this.byConversation.size + this.watchers.size; }

  watching(session: ClientSession): number { return this.watched.get(session)?.size ?? 0; }

  unwatch(session: ClientSession, userSid: string, correlation = Infinity): void {
    const watched = this.watched.get(session)?.get(userSid);
    if (!watched || watched.correlation > correlation) return;
    const { identity } = watched;
    this.watched.get(session)!.delete(userSid);
    this.watchers.delete(userSid, session);
    this.watchers.delete(userKey(session.principal!.service, identity), session);
  }

  remove(session: ClientSession): void {
    if (!session.principal) return;
    const { account, identity } = session.principal;
    for (const userSid of [...(this.watched.get(session)?.keys() ?? [])]) this.unwatch(session, userSid);
    this.watched.delete(session);
    this.followers.delete(userKey(account, identity), session);
    for (const conversation of [...(session.memberships?.keys() ?? [])]) this.forget(session, conversation);
  }

  /** Everybody who is in a conversation and follows it. */
  inConversation(conversation: string): ReadonlySet<ClientSession> { return this.byConversation.get(conversation); }

  publish({ type, account, conversation, data }: LogEvent): void {
    const { participantSid, sid } = data as { participantSid?: string; sid?: string };
    switch (type) {
      case 'ParticipantAdded':
        if (typeof data['identity'] !== 'string') return;
        // Of another service of the account: he is not in it for this session, and nothing is told.
        for (const session of this.followers.get(userKey(account, data['identity']))) this.tellMine(session, conversation!);
        return;
      case 'ParticipantUpdated':
        if (data['lastReadMessageIndex'] !== undefined) for (const session of this.byParticipant.get(participantSid!)) this.tellMine(session, conversation!);
        return;
      case 'ParticipantRemoved':
        for (const gone of this.loads) gone.add(participantSid!);
        for (const session of [...this.byParticipant.get(participantSid!)]) this.tellLeft(session, conversation!);
        return;
      case 'ConversationDeleted':
        for (const gone of this.loads) gone.add(conversation!);
        for (const session of [...this.byConversation.get(conversation!)]) this.tellLeft(session, conversation!);
        return;
      case 'UserConversationCreated':
      case 'UserConversationUpdated': // sid: the participant's
        for (const session of this.byParticipant.get(sid!)) for (const [of, participant] of session.memberships!) if (participant === sid) this.tellMine(session, of);
        return;
      case 'PushBindingCreated':
      case 'PushBindingDeleted':
        return this.reachabilityChanged(data['chat_service_sid'] as string, data['identity'] as string);
      case 'UserUpdated':
        for (const session of this.watchers.get(sid!)) this.tellInfo(session, sid!, Object.keys(data));
    }
  }

  /** He came, or went. */
  reachabilityChanged(service: string, identity: string): void {
    for (const session of this.watchers.get(userKey(service, identity)))
      for (const [userSid, watched] of this.watched.get(session)!) if (watched.identity === identity) this.tellInfo(session, userSid, ['reachability']);
  }

  /** One item as it is now; nothing when he is not, or no longer, in it. */
  tellMine(session: ClientSession, conversation: string): void {
    this.queue(session, async () => {
      const [row] = await this.stillIn(() => this.reads.mineOf(readerOf(session), conversation));
      if (!row || !session.open) return;
      const change = session.memberships?.has(conversation) ? 'updated' : 'added';
      this.remember(session, conversation, row.participant_sid);
      session.send(mapEvent(change, 'mine', session.mine!, session.nextMineId(), conversation, mineData(row)));
    });
  }

  /**
   * Of what he is in, as it was read when he began to follow it. `seen`: the last id the client knows; the next ones follow it closely:
   * a client whose line breaks in between comes back with one of them, and is told of all since `seen` once more.
   */
  async tellAgain(session: ClientSession, rows: readonly MineRow[], seen: number): Promise<void> {
    let id = seen;
    for (const row of rows) {
      while (session.backlogged) await session.drained();
      if (!session.open) return;
      session.send(mapEvent('updated', 'mine', session.mine!, (id += 1), row.conversation, mineData(row)));
    }
  }

  tellLeft(session: ClientSession, conversation: string): void {
    this.forget(session, conversation);
    this.onLeft(session, conversation);
    this.queue(session, async () => session.send(mapEvent('removed', 'mine', session.mine!, session.nextMineId(), conversation, {})));
  }

  /** The same for one who was away when it happened, in the midst of his own requests: said at once. */
  leftWhileAway(session: ClientSession, conversation: string): void {
    this.forget(session, conversation);
    session.send(mapEvent('removed', 'mine', session.mine!, session.nextMineId(), conversation, {}));
  }

  /** `changed`: columns of the user, or `reachability`; his name and attributes besides when he changed after `since` (epoch ms). */
  tellInfo(session: ClientSession, userSid: string, changed: readonly string[], seen = 0, since = Infinity): void {
    const keys = { attributes: 'attributes', friendly_name: 'friendlyName', reachability: 'reachability' } as Readonly<Record<string, string>>;
    let untold = this.untold.get(session);
    if (!untold) this.untold.set(session, (untold = new Map()));
    const waiting = untold.get(userSid);
    if (waiting) {
      for (const name of changed) waiting.changed.add(name);
      waiting.seen = Math.max(waiting.seen, seen);
      waiting.since = Math.min(waiting.since, since);
      return;
    }
    const news = { changed: new Set(changed), seen, since };
    untold.set(userSid, news);
    this.queue(session, async () => {
      untold.delete(userSid); // what changes from now on is told after this
      const { account, service } = readerOf(session);
      const info = await this.infos.read(userSid, () => this.info({ account, service }, userSid));
      if (!info) return;
      if (info.updatedAt > news.since) for (const name of ['friendly_name', 'attributes']) news.changed.add(name);
      for (const name of news.changed) {
        const key = keys[name];
        const data = key === undefined ? undefined : info.items[key];
        if (data) session.send(mapEvent('updated', 'info', userSid, session.nextId(news.seen), key!, data));
      }
    });
  }

  private async info(of: { account: string; service: string }, userSid: string): Promise<{ items: Record<string, object>; updatedAt: number } | undefined> {
    const row = await this.reads.info(of, { sid: userSid });
    return row && { items: infoData(row, row.reachable && (await this.isOnline({ ...of, identity: row.identity }))), updatedAt: Date.parse(row.updated_at) };
  }

  private queue(session: ClientSession, work: () => Promise<void>): void {
    void session.inOrder(work, (error) => {
      log.warn('a user\'s objects could not be read, the client comes back', { error });
      session.end(closing.internal, 'internal error');
    });
  }

  private remember(session: ClientSession, conversation: string, participant: string): void {
    session.memberships ??= new Map();
    const before = session.memberships.get(conversation);
    if (before !== undefined && before !== participant) this.byParticipant.delete(before, session);
    session.memberships.set(conversation, participant);
    this.byParticipant.add(participant, session);
    this.byConversation.add(conversation, session);
  }

  private forget(session: ClientSession, conversation: string): void {
    const participant = session.memberships?.get(conversation);
    if (participant !== undefined) this.byParticipant.delete(participant, session);
    this.byConversation.delete(conversation, session);
    session.memberships?.delete(conversation);
  }
}
