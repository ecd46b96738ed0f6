/**
 * Builds the read models again from the log, beside the ones that serve, and swaps them in: shard by shard without locks
 * up to the present, then the last few facts under the shards' locks, in which time no append runs (milliseconds). The
 * result is the same as what the appends wrote; a test compares them.
 */
import type { LogEvent } from '@parley/domain/event';
import { transaction, type Connection, type Pool } from './database.js';
import type { DataKeys } from './data-keys.js';
import { ModelWrites, type ProjectedEvent } from './inline-models.js';
import { eventColumns, LogReader, type EventRow } from './log-reader.js';
import { modelApply, modelSchema } from './model-schema.js';
import { SHARDS } from './shard.js';
import { uniqueRules } from './streams.js';

const BATCH = 1000;
/** Facts that may be left for the locked part. */
const NEARLY_THERE = 2000;
const NEXT = 'model_next';

/**
 * A unique rule holds at every moment, but not between shards that are read one after the other: what one conversation gave
 * up and another took may be read the other way round. So the rules come into force when everything is there.
 */
type Rule = { off: string; on: string };

export type RebuildResult = { events: number; lockedMillis: number };

export async function rebuildModels(pool: Pool, keys: DataKeys, progress: (line: string) => void = () => {}): Promise<RebuildResult> {
  const reader = new LogReader(pool, keys);
  const lock = await pool.connect();
  try {
    const { rows } = await lock.query<{ free: boolean }>('select pg_try_advisory_lock(7241057) as free');
    if (!rows[0]!.free) throw new Error('another rebuild is running');
    let rules: Rule[] = [];
    await transaction(pool, async (tx) => {
      await tx.query(`drop schema if exists ${NEXT} cascade`);
      await tx.query(modelSchema(NEXT) + modelApply(NEXT));
      rules = await rulesOf(tx);
    });
    await change(pool, rules, 'off');
    const reached = Array<number>(SHARDS).fill(0);
    let events = 0;
    const follow = async () => {
      for (let left = Infinity; left > NEARLY_THERE; ) {
        events += await catchUp(pool, reader, reached, progress);
        left = lagOf(await reader.heads(), reached);
      }
    };
    await follow();
    // Without the lock as long as nothing speaks against it: indexes of millions of rows take seconds.
    try {
      await change(pool, rules, 'on');
      await follow();
      return await transaction(pool, (tx) => swap(tx, reader, reached, events, []));
    } catch (error) {
      if (!isViolation(error)) throw error;
    }
    await change(pool, rules, 'off');
    await follow();
    return await transaction(pool, (tx) => swap(tx, reader, reached, events, rules));
  } finally {
    await lock.query('select pg_advisory_unlock(7241057)').catch(() => {});
    lock.release();
  }
}

const isViolation = (error: unknown) => (error as { code?: unknown }).code === '23505';

async function rulesOf(tx: Connection): Promise<Rule[]> {
  const { rows } = await tx.query<Rule & { name: string }>(
    `select i.relname as name,
            case when c.oid is null then format('drop index if exists %I.%I', n.nspname, i.relname)
                 else format('alter table %I.%I drop constraint if exists %I', n.nspname, t.relname, i.relname) end as off,
            case when c.oid is null then pg_get_indexdef(i.oid)
                 else format('alter table %I.%I add constraint %I %s', n.nspname, t.relname, i.relname, pg_get_constraintdef(c.oid)) end as on
       from pg_class i join pg_index x on x.indexrelid = i.oid join pg_class t on t.oid = x.indrelid
       join pg_namespace n on n.oid = t.relnamespace left join pg_constraint c on c.conindid = i.oid
      where n.nspname = $1 and i.relname = any ($2)`, [NEXT, Object.keys(uniqueRules)],
  );
  const missing = Object.keys(uniqueRules).filter((name) => !rows.some((row) => row.name === name));
  if (missing.length > 0) throw new Error(`the read models have no index ${missing[0]}, but it is a rule`);
  return rows;
}

/** All of them or none. */
const change = (pool: Pool, rules: readonly Rule[], to: 'on' | 'off'): Promise<void> =>
  transaction(pool, async (tx) => { for (const rule of rules) await tx.query(rule[to]); });

const lagOf = (heads: readonly number[], reached: readonly number[]) =>
  heads.reduce((sum, head, shard) => sum + head - reached[shard]!, 0);

async function catchUp(pool: Pool, reader: LogReader, reached: number[], progress: (line: string) => void): Promise<number> {
  let events = 0;
  for (let shard = 0; shard < SHARDS; shard++) {
    for (let read = BATCH; read === BATCH; ) {
      const batch = await reader.read(shard, reached[shard]!, BATCH);
      read = batch.length;
      if (read === 0) break;
      await transaction(pool, (tx) => applyEvents(tx, batch));
      reached[shard] = batch.at(-1)!.position;
      events += read;
    }
    if (shard % 8 === 7) progress(`rebuild: shard ${shard + 1} of ${SHARDS}, ${events} events`);
  }
  return events;
}

async function applyEvents(tx: Connection, events: readonly LogEvent[]): Promise<void> {
  // Messages go in as one block after the effects before them; an effect on a message must come after it.
  for (const block of blocks(events)) {
    const writes = new ModelWrites(() => true);
    const conversations: (string | null)[] = [];
    for (const event of block) {
      if (event.erased) continue;
      if (event.unreadable !== undefined) throw new Error(`shard ${event.shard}, position ${event.position}: ${event.unreadable}`);
      conversations.push(event.conversation);
      writes.add(conversations.length, event as unknown as ProjectedEvent, event.account, event.conversation);
    }
    const values = [conversations.map(() => true), conversations, ...writes.parameters()];
    await tx.query(`select ${NEXT}.apply(${values.map((_, i) => `$${i + 1}`).join(', ')})`, values);
  }
}

/** Cuts a run of facts wherever a message follows something else: within a block messages are written first. */
function blocks(events: readonly LogEvent[]): LogEvent[][] {
  const cut: LogEvent[][] = [];
  for (const event of events) {
    const previous = cut.at(-1)?.at(-1);
    if (!previous || (event.type === 'MessageAdded' && previous.type !== 'MessageAdded')) cut.push([event]);
    else cut.at(-1)!.push(event);
  }
  return cut;
}

/** `rules` are those that are not in force yet. */
async function swap(tx: Connection, reader: LogReader, reached: number[], before: number, rules: readonly Rule[]): Promise<RebuildResult> {
  const start = performance.now();
  await tx.query('select 1 from log.shard order by shard for update');
  let events = before;
  for (let shard = 0; shard < SHARDS; shard++) {
    const { rows } = await tx.query<EventRow>(
      `select ${eventColumns} from log.event e where e.shard = $1 and e.position > $2 order by e.position`, [shard, reached[shard]!],
    );
    if (rows.length > 0) await applyEvents(tx, await reader.decodeAll(rows));
    events += rows.length;
  }
  for (const { on } of rules) await tx.query(on);
  // Messages of deleted conversations are not served and not rebuilt.
  for (const table of ['message', 'message_content', 'receipt'])
    await tx.query(`delete from ${NEXT}.${table} m where not exists (select 1 from ${NEXT}.conversation c where c.sid = m.conversation_sid)`);
  await tx.query('drop schema model cascade');
  await tx.query(`alter schema ${NEXT} rename to model`);
  await tx.query(modelApply('model'));
  return { events, lockedMillis: Math.round(performance.now() - start) };
}
