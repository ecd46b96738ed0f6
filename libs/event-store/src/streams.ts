/**
 * Commands on streams: load the state, decide, append on the version it was decided on, and again when somebody was
 * faster. States of conversations are kept in the process and advanced before the append returns, so that commands on one
 * conversation ride in the same batch; the expected version proves them, a wrong guess costs a reload and never a fact.
 */
import type { Caller } from '@parley/contracts/commands';
import { conversation, type Conversation, type ConversationCommand } from '@parley/domain/conversation/conversation';
import type { ConversationEvent } from '@parley/domain/conversation/events';
import { fold } from '@parley/domain/decider';
import type { DeliveryCommand } from '@parley/domain/delivery/delivery';
import { DomainError, type DomainErrorCode } from '@parley/domain/domain-error';
import type { NewEvent } from '@parley/domain/event';
import type { KeyObject } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Append, Outcome } from './append.js';
import type { Connection, Pool } from './database.js';
import type { DataKeys } from './data-keys.js';
import { UniqueViolation, type AppendOptions, type GroupCommit } from './group-commit.js';
import { loadConversation } from './load-state.js';
import { LruMap } from './lru-map.js';
import { MessageReceipts } from './message-receipts.js';
import { shardOf } from './shard.js';

const CACHED_CONVERSATIONS_MAX = 20_000;
const ATTEMPTS_MAX = 8;
/** On conversations: then it takes its turn, because against a writer that never pauses it would lose for ever. */
const RACES_MAX = 4;
/** Idempotency keys of clients live a day; carriers may repeat a message for weeks. */
const CLIENT_KEY_SECONDS = 86_400;
const CARRIER_KEY_SECONDS = 35 * 86_400;

/** Unique indexes that are rules of the API, and the refusal each one means. */
export const uniqueRules: Readonly<Record<string, DomainErrorCode>> = {
  conversation_unique_name: 'conversation_unique_name_taken',
  participant_identity: 'participant_exists',
  address_binding_pair: 'address_pair_in_use',
  group_conversation_numbers: 'group_exists',
  address_configuration_address: 'address_configuration_exists',
  chat_user_identity: 'user_exists',
  role_friendly_name: 'role_exists',
};

type Entry = { account: string; shard: number; version: number; state: Conversation; basis: { valid: boolean }; pending: Promise<unknown> };

export type Executed<E, R> = { events: E[]; result: R; repeated: boolean };
type Remembered = { hash: string; result: string };
type Execution<R> = {
  /** What the idempotency key remembers: SIDs, no content. */
  result: R;
  /** The command's rows are under unique rules (see uniqueRules). */
  unique?: boolean;
};

export class Streams {
  private readonly cache = new LruMap<string, Entry>(CACHED_CONVERSATIONS_MAX);
  private readonly loading = new Map<string, Promise<Entry>>();
  private readonly receipts: MessageReceipts;

  constructor(
    private readonly pool: Pool,
    private readonly commit: GroupCommit,
    private readonly keys: DataKeys,
  ) {
    this.receipts = new MessageReceipts(pool, commit, keys);
  }

  /**
   * Decides and stores. With `caller.key` a repetition gives the first result and `repeated: true`, no facts. Throws the
   * decider's DomainError or a rule's.
   */
  async onConversation<R>(
    caller: Caller, sid: string, decide: (state: Conversation) => ConversationCommand, execution: Execution<R>,
  ): Promise<Executed<ConversationEvent, R>> {
    for (let attempt = 1; attempt <= RACES_MAX; attempt++) {
      const entry = this.kept(sid) ?? (await this.load(caller.account, sid));
      if (entry.account !== caller.account) throw new DomainError('conversation_not_found');
      const expected = entry.version;
      let events: ConversationEvent[];
      try {
        events = conversation.decide(decide(entry.state), entry.state);
      } catch (error) {
        // Decided on facts that were not stored after all, or another instance knows more: look again.
        if (!(await this.current(sid, entry))) continue;
        // Asked when those facts are stored: one of them may be this very command's.
        const before = await this.repetition<R>(caller);
        if (before) return before;
        throw error;
      }
      if (events.length === 0) {
        if (!(await this.current(sid, entry))) continue;
        return (await this.rememberNothing<R>(caller, execution.result)) ?? { events, result: execution.result, repeated: false };
      }
      const key = this.keys.cached(sid) ?? (await this.dataKey(caller.account, sid, entry.version));
      // While the key was fetched others may have gone on: what was decided must be decided again. No race was lost.
      if (!entry.basis.valid || entry.version !== expected) {
        attempt--;
        continue;
      }
      entry.version += events.length;
      const before = entry.state;
      entry.state = fold(conversation, events, before);
      const outcome = await this.appendTo(entry, caller, {
        account: caller.account, shard: entry.shard, stream: `conversation-${sid}`, expected, events: marked(events, caller, before, entry.state), conversation: sid, dataKey: key,
        nextIndex: entry.state.nextIndex, ...idempotency(caller, execution.result), ...(caller.cause && { cause: caller.cause }),
      }, { basis: entry.basis, ...(execution.unique && { unique: true }) });
      if (outcome.status === 'ok') {
        // It may have been forgotten meanwhile: somebody saw that another instance has moved on.
        if (entry.basis.valid && !this.cache.get(sid)) this.cache.set(sid, entry);
        return { events, result: execution.result, repeated: false };
      }
      this.forget(sid, entry);
      if (outcome.status === 'duplicate') return remembered<R>(caller, outcome);
      await pause(Math.random() * 4 * attempt);
    }
    return this.inTurn(caller, sid, decide, execution);
  }

  /** Receipts of one message: see MessageReceipts. */
  onDelivery(caller: Caller, conversationSid: string, messageSid: string, command: DeliveryCommand): Promise<void> {
    return this.receipts.report(caller, conversationSid, messageSid, command);
  }

  /**
   * Facts outside conversations: `decide` gets the stream's version, 0 when there is none, and may look things up. With
   * `keyId` they are encrypted with that data key.
   */
  async onRegistry<R>(
    caller: Caller, id: string, stream: string, decide: (version: number) => NewEvent[] | Promise<NewEvent[]>, execution: Execution<R>,
    keyId?: string,
  ): Promise<R> {
    const shard = shardOf(caller.account, id);
    const dataKey = keyId === undefined ? undefined : await this.keys.create(keyId, caller.account);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const { rows } = await this.pool.query<{ version: number }>(
        'select version from log.stream where shard = $1 and stream = $2', [shard, stream],
      );
      const expected = rows[0]?.version ?? 0;
      let events: NewEvent[];
      try {
        events = await decide(expected);
      } catch (error) {
        const before = await this.repetition<R>(caller);
        if (before) return before.result;
        throw error;
      }
      const outcome = await this.underRules(caller, this.commit.append({
        account: caller.account, shard, stream, expected, events: marked(events, caller), conversation: null, nextIndex: null, ...idempotency(caller, execution.result), ...(dataKey && { keyId: keyId!, dataKey }),
      }, { unique: execution.unique ?? false }));
      if (outcome.status === 'ok') return execution.result;
      if (outcome.status === 'duplicate') return remembered<R>(caller, outcome).result;
      await pause(Math.random() * 4 * attempt);
    }
    throw new DomainError('conflicting_modification');
  }

  /** What this key did before, if anything: asked only when the command is refused, as a repetition often is. */
  private async repetition<R>(caller: Caller): Promise<Executed<never, R> | undefined> {
    if (!caller.key) return undefined;
    const { rows } = await this.pool.query<{ hash: string; result: string }>(
      'select hash, result from log.command where account = $1 and key = $2', [caller.account, caller.key],
    );
    return rows[0] && remembered<R>(caller, rows[0]);
  }

  /** Without facts the key is taken too: sent again, when things have changed, the command might have some. Answers what was before. */
  private async rememberNothing<R>(caller: Caller, result: R): Promise<Executed<never, R> | undefined> {
    const { idempotency: command } = idempotency(caller, result);
    if (!command) return undefined;
    const { rowCount } = await this.pool.query(
      `insert into log.command (account, key, hash, result, at, expires_at) values ($1, $2, $3, $4, now(), now() + make_interval(secs => $5))
       on conflict do nothing`, [caller.account, command.key, command.hash, command.result, command.ttlSeconds],
    );
    return rowCount === 1 ? undefined : this.repetition<R>(caller);
  }

  private async appendTo(entry: Entry, caller: Caller, command: Append, options: AppendOptions): Promise<Outcome> {
    const appended = this.underRules(caller, this.commit.append(command, options));
    entry.pending = appended.catch(() => {});
    try {
      return await appended;
    } catch (error) {
      this.forget(command.conversation!, entry);
      throw error;
    }
  }

  /** Decided on what is stored while the shard's head is held: nobody can be faster. Everybody else of the shard waits. */
  private async inTurn<R>(
    caller: Caller, sid: string, decide: (state: Conversation) => ConversationCommand, execution: Execution<R>,
  ): Promise<Executed<ConversationEvent, R>> {
    const { account, cause } = caller;
    const shard = shardOf(account, sid);
    const dataKey = this.keys.cached(sid) ?? (await this.dataKey(account, sid, 1));
    let events: ConversationEvent[] = [];
    const append = async (tx: Connection): Promise<Append | undefined> => {
      const { version: expected, state } = await loadConversation(tx, shard, account, sid);
      events = conversation.decide(decide(state), state);
      if (events.length === 0) return undefined;
      const after = fold(conversation, events, state);
      return {
        account, shard, stream: `conversation-${sid}`, expected, events: marked(events, caller, state, after), conversation: sid, dataKey,
        nextIndex: after.nextIndex, ...idempotency(caller, execution.result), ...(cause && { cause }),
      };
    };
    try {
      const outcome = await this.underRules(caller, this.commit.appendInTurn(shard, append));
      if (outcome?.status === 'duplicate') return remembered<R>(caller, outcome);
      // Only when the connection broke: not stored, and somebody came in between.
      if (outcome?.status === 'conflict') throw new DomainError('unavailable');
      const before = outcome ? undefined : await this.rememberNothing<R>(caller, execution.result);
      if (before) return before;
      return { events, result: execution.result, repeated: false };
    } catch (error) {
      const before = await this.repetition<R>(caller);
      if (before) return before;
      throw error;
    } finally {
      const entry = this.cache.get(sid);
      if (entry) this.forget(sid, entry);
    }
  }

  private async underRules<O extends Outcome | undefined>(caller: Caller, appended: Promise<O>): Promise<O | Outcome> {
    try {
      return await appended;
    } catch (error) {
      if (!(error instanceof UniqueViolation)) throw error;
      const before = await this.repetition(caller);
      if (before) return { status: 'duplicate', hash: caller.hash ?? '', result: JSON.stringify(before.result) };
      const code = uniqueRules[error.constraint];
      throw code ? new DomainError(code) : error;
    }
  }

  /** A refusal must not rest on a state that another instance moved on, nor on facts that failed to be stored. */
  private async current(sid: string, entry: Entry): Promise<boolean> {
    await entry.pending;
    if (!entry.basis.valid) return false;
    const { rows } = await this.pool.query<{ version: number }>({
      name: 'stream-version', text: 'select version from log.stream where shard = $1 and stream = $2',
      values: [entry.shard, `conversation-${sid}`],
    });
    if ((rows[0]?.version ?? 0) <= entry.version) return true;
    this.forget(sid, entry);
    return false;
  }

  /** Never one that is not valid any more, which nothing could be decided on, however often. */
  private kept(sid: string): Entry | undefined {
    const entry = this.cache.get(sid);
    return entry?.basis.valid ? entry : undefined;
  }

  private forget(sid: string, entry: Entry): void {
    entry.basis.valid = false;
    if (this.cache.get(sid) === entry) this.cache.delete(sid);
  }

  private async dataKey(account: string, sid: string, version: number): Promise<KeyObject> {
    const key = version === 0 ? await this.keys.create(sid, account) : await this.keys.find(sid, account);
    if (!key) throw new DomainError('conversation_not_found');
    return key;
  }

  /** One load at a time per conversation, whoever asks. */
  private load(account: string, sid: string): Promise<Entry> {
    const id = `${account}/${sid}`;
    let loading = this.loading.get(id);
    if (!loading) {
      loading = this.read(account, sid).finally(() => this.loading.delete(id));
      this.loading.set(id, loading);
    }
    return loading;
  }

  private async read(account: string, sid: string): Promise<Entry> {
    const shard = shardOf(account, sid);
    const { version, state } = await loadConversation(this.pool, shard, account, sid);
    const entry: Entry = { account, shard, version, state, basis: { valid: true }, pending: Promise.resolve() };
    // What does not exist is not kept: unknown SIDs must not push out living conversations.
    if (version > 0 || state.status !== 'absent') this.cache.set(sid, entry);
    return entry;
  }
}

/** Facts that webhooks are told of carry who caused them (domain/webhook-mark.ts). */
function marked(events: NewEvent[], { webhook }: Caller, ...states: Conversation[]): NewEvent[] {
  if (!webhook) return events;
  const service = states.find(({ chatServiceSid }) => chatServiceSid !== '')?.chatServiceSid;
  const mark = service === undefined ? webhook : { ...webhook, service };
  return events.map(({ type, data }) => ({ type, data: { ...data, webhook: mark } }));
}

function idempotency(caller: Caller, result: unknown): Pick<Append, 'idempotency'> {
  if (!caller.key) return {};
  const ttlSeconds = caller.key.startsWith('in:') ? CARRIER_KEY_SECONDS : CLIENT_KEY_SECONDS;
  return { idempotency: { key: caller.key, hash: caller.hash ?? '', result: JSON.stringify(result), ttlSeconds } };
}

function remembered<R>(caller: Caller, { hash, result }: Remembered): Executed<never, R> {
  if (hash !== (caller.hash ?? '')) throw new DomainError('idempotency_key_reused');
  return { events: [], result: JSON.parse(result) as R, repeated: true };
}
