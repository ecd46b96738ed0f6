/**
 * Group commit: while one or two appends are in flight, the next batch collects; no timer. Appends in flight never share a
 * shard, so one stream's commands stay in order without waiting for locks. Each command succeeds or fails alone: a batch
 * that a unique rule stops is run again one by one, and an unclear end (connection lost at COMMIT) is looked up by event
 * id, never guessed.
 */
import { DomainError } from '@parley/domain/domain-error';
import type { LogEvent } from '@parley/domain/event';
import { setTimeout as pause } from 'node:timers/promises';
import { AppendBatch, type Append, type Outcome } from './append.js';
import { isConnectionError, type Connection, type Pool } from './database.js';
import { wholeSecond } from './inline-models.js';
import { LruMap } from './lru-map.js';
import { SHARDS } from './shard.js';

/** Measured knee: larger batches only add to the slowest answers. */
const BATCH_COMMANDS_MAX = 100;
const BATCH_BYTES_MAX = 256 * 1024;
const IN_FLIGHT_MAX = 2;
/**
 * An append costs some 350 us of CPU however little it carries (measured), so a second one starts only for this many
 * commands, or when the first takes long.
 */
const SECOND_APPEND_COMMANDS = 16;
const SECOND_APPEND_MILLIS = 3;
const QUEUE_MAX = 2000;
/** A command that was not stored after this long is refused; with the same idempotency key it may be tried again. */
const DEADLINE_MILLIS = 8000;

/** A rule that spans streams refused the command: a unique index of the read models. */
export class UniqueViolation extends Error {
  override name = 'UniqueViolation';
  constructor(readonly constraint: string) {
    super(`unique rule ${constraint}`);
  }
}

export type AppendOptions = {
  /** Its rows are under unique rules: batched only with its like, so its refusal never delays messages. */
  unique?: boolean;
  /** Becomes false when what it was decided on turned out not to be stored. */
  basis?: { valid: boolean };
};

type Queued = Append & AppendOptions & {
  bytes: number;
  enqueuedAt: number;
  settled: boolean;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
};

export class GroupCommit {
  private queue: Queued[] = [];
  private readonly busyShards = new Uint8Array(SHARDS);
  private inFlight = 0;
  private inTurn = 0;
  private startedAt = 0;
  /**
   * The batches in flight. No Set of commands: one with such a turnover drags whole requests into old space with its outgrown
   * tables (measured: 2.7 KiB a message, a major collection every 3 s).
   */
  private flying: (readonly Queued[])[] = [];
  private kept: AppendConnection[] = [];
  private scheduled = false;
  private epochs: number[] = [];
  private stopped = false;
  private readonly activity = new LruMap<string, number>(100_000);
  private readonly deadlines: NodeJS.Timeout;

  constructor(
    private readonly pool: Pool,
    /** Called with the facts of each append right after its commit, before the callers are answered. */
    private readonly onCommitted: (events: LogEvent[]) => void,
  ) {
    this.deadlines = setInterval(() => this.expire(), 500).unref();
  }

  get queued(): number {
    return this.queue.length;
  }

  /** Resolves when stored. Throws UniqueViolation, DomainError `overloaded` (not accepted) or `unavailable` (unclear). */
  append(command: Append, { unique = false, basis }: AppendOptions = {}): Promise<Outcome> {
    if (this.stopped) return Promise.reject(new DomainError('unavailable'));
    if (this.queue.length >= QUEUE_MAX) return Promise.reject(new DomainError('overloaded'));
    return new Promise((resolve, reject) => {
      const bytes = command.events.reduce((sum, { data }) => sum + sizeOf(data), 200);
      this.queue.push({
        ...command, unique, ...(basis && { basis }), bytes, enqueuedAt: performance.now(), settled: false, resolve, reject,
      });
      this.schedule();
    });
  }

  /**
   * For a command that lost its races against another process: `decide` looks at what is stored and decides while the shard's
   * head is held, so nobody can be faster. Ends as `append` does; undefined: there was nothing to store.
   */
  async appendInTurn(shard: number, decide: (tx: Connection) => Promise<Append | undefined>): Promise<Outcome | undefined> {
    if (this.stopped) throw new DomainError('unavailable');
    const decided: { batch?: AppendBatch } = {};
    this.inTurn++;
    try {
      const outcomes = await this.withConnection(async (client) => {
        await client.query('begin');
        try {
          await client.query('select 1 from log.shard where shard = $1 for update', [shard]);
          const command = await decide(client);
          const stored = command && (await (decided.batch = new AppendBatch([command])).run(client, this.epochs, this.isNews));
          await client.query('commit');
          return stored;
        } catch (error) {
          await client.query('rollback').catch(() => {}); // broken: the error tells
          throw error;
        }
      }).catch((error: unknown) => {
        if (decided.batch && isUnclear(error)) return this.resolveUnclear(decided.batch, error);
        throw uniqueViolation(error) ?? (isConnectionError(error) ? new DomainError('unavailable') : error);
      });
      if (outcomes) this.announce(outcomes);
      return outcomes?.[0];
    } finally {
      this.inTurn--;
    }
  }

  /** Refuses new commands, stores what was accepted. */
  async stop(): Promise<void> {
    this.stopped = true;
    while (this.queue.length > 0 || this.inFlight > 0 || this.inTurn > 0) await pause(5);
    clearInterval(this.deadlines);
    for (const client of this.kept.splice(0)) client.release();
  }

  /** At the end of the event-loop turn, so that requests read together are stored together. */
  private schedule(): void {
    if (this.scheduled || !this.mayStart()) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      while (this.mayStart()) {
        const batch = this.compose();
        if (batch.length === 0) return;
        void this.send(batch);
      }
    });
  }

  private mayStart(): boolean {
    if (this.inFlight === 0) return true;
    if (this.inFlight >= IN_FLIGHT_MAX) return false;
    return this.queue.length >= SECOND_APPEND_COMMANDS || performance.now() - this.startedAt > SECOND_APPEND_MILLIS;
  }

  private compose(): Queued[] {
    const batch: Queued[] = [];
    const waiting: Queued[] = [];
    const passedOver = new Set<number>();
    // Streams that take no further command in this batch: a command with a key, or under unique rules, stands alone.
    const taken = new Set<string>();
    // The version each stream has after its commands in this batch: the next one must have been decided on that.
    const begun = new Map<string, number>();
    const keys = new Set<string>();
    let bytes = 0;
    let full = false;
    for (const command of this.queue) {
      if (command.settled) continue;
      if (command.basis?.valid === false) {
        settle(command, { status: 'conflict' });
        continue;
      }
      const key = command.idempotency && `${command.account} ${command.idempotency.key}`;
      const alone = command.unique || key !== undefined;
      const fits =
        !full && this.busyShards[command.shard] === 0 && !passedOver.has(command.shard) &&
        (batch.length === 0 || (command.unique === batch[0]!.unique && bytes + command.bytes <= BATCH_BYTES_MAX)) &&
        !taken.has(command.stream) && (alone ? !begun.has(command.stream) : (begun.get(command.stream) ?? command.expected) === command.expected) &&
        !(key !== undefined && keys.has(key));
      if (!fits) {
        passedOver.add(command.shard);
        waiting.push(command);
        continue;
      }
      batch.push(command);
      if (alone) taken.add(command.stream);
      else begun.set(command.stream, command.expected + command.events.length);
      if (key !== undefined) keys.add(key);
      bytes += command.bytes;
      full = batch.length >= BATCH_COMMANDS_MAX;
    }
    this.queue = waiting;
    return batch;
  }

  private async send(commands: Queued[]): Promise<void> {
    this.inFlight++;
    this.startedAt = performance.now();
    for (const { shard } of commands) this.busyShards[shard] = 1;
    this.flying.push(commands);
    try {
      await this.store(commands);
    } catch (error) {
      for (const command of commands) fail(command, error);
    } finally {
      for (const { shard } of commands) this.busyShards[shard] = 0;
      this.flying = this.flying.filter((other) => other !== commands);
      this.inFlight--;
      if (this.queue.length > 0) this.schedule();
    }
  }

  private async store(commands: Queued[]): Promise<void> {
    const batch = new AppendBatch(commands);
    let outcomes: Outcome[];
    try {
      outcomes = await this.run(batch);
    } catch (error) {
      if (isUnclear(error)) outcomes = await this.resolveUnclear(batch, error);
      else if (commands.length > 1) {
        // One of them breaks a rule (or is unstorable): it fails alone.
        for (const command of commands) await this.store([command]).catch((cause: unknown) => fail(command, cause));
        return;
      } else throw uniqueViolation(error) ?? error;
    }
    this.answer(commands, outcomes);
  }

  private answer(commands: readonly Queued[], outcomes: readonly Outcome[]): void {
    this.announce(outcomes);
    commands.forEach((command, at) => settle(command, outcomes[at]!));
  }

  private announce(outcomes: readonly Outcome[]): void {
    const committed: LogEvent[] = [];
    for (const outcome of outcomes) if (outcome.status === 'ok') committed.push(...outcome.events);
    for (const { type, conversation, data } of committed) if (type === 'MessageAdded') this.noteActivity(conversation!, data['createdAt'] as string);
    // In the order of the log: the commands of one stream lie together there, whatever came between them here.
    if (committed.length > 0) this.onCommitted(committed.sort((a, b) => a.position - b.position));
  }

  private noteActivity(conversation: string, createdAt: string): void {
    const at = wholeSecond(Date.parse(createdAt));
    if (at > (this.activity.get(conversation) ?? 0)) this.activity.set(conversation, at);
  }

  /** The second of a conversation's last activity is written once. */
  private readonly isNews = (conversation: string, second: number): boolean => (this.activity.get(conversation) ?? 0) < second;

  private run(batch: AppendBatch): Promise<Outcome[]> {
    return this.withConnection((client) => batch.run(client, this.epochs, this.isNews));
  }

  private async withConnection<T>(work: (client: Connection) => Promise<T>): Promise<T> {
    if (this.epochs.length === 0) await this.loadEpochs();
    const client = this.kept.pop() ?? (await this.connect());
    try {
      client.unreplicated = false;
      const done = await work(client);
      // A cancelled wait for the standby looks like success: stored here, perhaps not there.
      if (client.unreplicated) throw new UnclearEnd('not replicated');
      this.keep(client);
      return done;
    } catch (error) {
      if (isUnclear(error)) client.release(error as Error);
      else this.keep(client);
      if ((error as { code?: string }).code === 'PY001') this.epochs = [];
      throw error;
    }
  }

  private async connect(): Promise<AppendConnection> {
    const client = (await this.pool.connect()) as AppendConnection;
    if (client.watched) return client;
    client.watched = true;
    watchReplication(client);
    client.once('error', (error) => {
      const at = this.kept.indexOf(client);
      if (at < 0) return; // at work: its query fails too
      this.kept.splice(at, 1);
      client.release(error);
    });
    return client;
  }

  /** Not given back: taking a connection from the pool costs a timer, which drags the whole append into old space (measured). */
  private keep(client: AppendConnection): void {
    if (this.stopped || this.pool.waitingCount > 0 || this.kept.length >= IN_FLIGHT_MAX) client.release();
    else this.kept.push(client);
  }

  private async loadEpochs(): Promise<void> {
    const { rows } = await this.pool.query<{ epoch: number }>('select epoch from log.shard order by shard');
    this.epochs = rows.map(({ epoch }) => epoch);
  }

  /**
   * The answer got lost: stored or not? Our event at the expected version says yes; anything else there, or nothing, says
   * no. What is missing is appended again with the same event ids, and a conflict is looked up once more, as the lost
   * transaction may have been committed late.
   */
  private async resolveUnclear(batch: AppendBatch, cause: unknown): Promise<Outcome[]> {
    const until = performance.now() + DEADLINE_MILLIS;
    for (let wait = 25; performance.now() < until; wait = Math.min(wait * 2, 500)) {
      await pause(wait);
      try {
        const stored = await this.lookUp(batch);
        if (stored.every((outcome) => outcome !== undefined)) return stored as Outcome[];
        if (stored.some((outcome) => outcome !== undefined)) {
          // Some of ours are there: the transaction was committed, so the others were refused by it.
          return stored.map((outcome) => outcome ?? { status: 'conflict' });
        }
        const outcomes = await this.run(batch);
        const again = await this.lookUp(batch);
        return outcomes.map((outcome, at) => (outcome.status === 'conflict' ? (again[at] ?? outcome) : outcome));
      } catch (error) {
        if (!isUnclear(error) && (error as { code?: string }).code !== 'PY001') throw uniqueViolation(error) ?? error;
      }
    }
    throw new DomainError('unavailable', { reason: cause instanceof Error ? cause.message : String(cause) });
  }

  private async lookUp(batch: AppendBatch): Promise<(Outcome | undefined)[]> {
    const { rows } = await this.pool.query<{ o: number; event_id: string; position: number }>(
      `select u.o::integer as o, e.event_id, e.position
         from unnest($1::smallint[], $2::text[], $3::integer[]) with ordinality u (shard, stream, version, o)
         join log.event e on e.shard = u.shard and e.stream = u.stream and e.version = u.version`,
      [batch.commands.map((c) => c.shard), batch.commands.map((c) => c.stream), batch.commands.map((c) => c.expected + 1)],
    );
    const found: (Outcome | undefined)[] = batch.commands.map(() => undefined);
    for (const { o, event_id, position } of rows)
      if (event_id === batch.firstEventId(o - 1)) found[o - 1] = { status: 'ok', events: batch.recorded(o - 1, position) };
    return found;
  }

  private expire(): void {
    // Others may share the pool: what we only keep for later is theirs when they wait.
    while (this.kept.length > 0 && this.pool.waitingCount > 0) this.kept.pop()!.release();
    const before = performance.now() - DEADLINE_MILLIS;
    for (const commands of [this.queue, ...this.flying])
      for (const command of commands)
        if (command.enqueuedAt < before && !command.settled) fail(command, new DomainError('unavailable'));
  }
}

/** `unreplicated`: a commit was not confirmed by the standby. `watched`: has our listeners. */
type AppendConnection = Connection & { unreplicated?: boolean; watched?: boolean };

class UnclearEnd extends Error {}
const isUnclear = (error: unknown) => error instanceof UnclearEnd || isConnectionError(error);

function watchReplication(client: AppendConnection): void {
  client.on('notice', ({ code, message }) => {
    if (code === '01000' && message?.includes('synchronous replication')) client.unreplicated = true;
  });
}

function uniqueViolation(error: unknown): UniqueViolation | undefined {
  const { code, constraint } = error as { code?: string; constraint?: string };
  return code === '23505' ? new UniqueViolation(constraint ?? '') : undefined;
}

function settle(command: Queued, outcome: Outcome): void {
  command.settled = true;
  if (outcome.status !== 'ok' && command.basis) command.basis.valid = false;
  command.resolve(outcome);
}

function fail(command: Queued, error: unknown): void {
  command.settled = true;
  if (command.basis) command.basis.valid = false;
  command.reject(isConnectionError(error) ? new DomainError('unavailable') : error);
}

/** Near enough for a bound: the long strings of a fact. */
function sizeOf(data: object): number {
  let size = 0;
  for (const value of Object.values(data)) if (typeof value === 'string') size += value.length;
  return size;
}
