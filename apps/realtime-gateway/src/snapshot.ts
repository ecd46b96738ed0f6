/**
 * What a subscription starts from: who may see which conversations, and how far the log was when that was so. One statement,
 * so one snapshot: read models and log move in the same transactions.
 */
import type { Pool } from '@parley/event-store/database';
import { shardOf } from '@parley/event-store/shard';
import type { Principal } from '@parley/event-store/access-token';

export type Snapshot = {
  /** Last position of every shard. */
  heads: number[];
  /** Conversations found, with the membership's SID for chat members. */
  found: Map<string, string | undefined>;
  /** Last position of those that were asked for in `from`. */
  lasts: Map<string, number>;
};

const heads = '(select json_agg(head order by shard) from log.shard) as heads';
const lasts = `(select coalesce(json_agg(json_build_array(f.sid, (select max(e.position) from log.event e where e.shard = f.shard and e.key_id = f.sid))), '[]')
  from unnest($2::text[], $3::smallint[]) f (sid, shard)) as lasts`;
const memberships = `(select coalesce(json_agg(json_build_array(m.conversation_sid, m.sid)), '[]') from (
    select p.conversation_sid, p.sid from model.participant p
      join model.conversation c on c.sid = p.conversation_sid and c.account = $1 and c.chat_service_sid = $5
     where p.account = $1 and p.identity = $4 and ($6::text[] is null or p.conversation_sid = any ($6))
     limit $7) m) as found`;
const conversations = `(select coalesce(json_agg(json_build_array(c.sid)), '[]') from model.conversation c
    where c.account = $1 and c.sid = any ($4)) as found`;

type Row = { heads: number[]; lasts: Array<[string, number | null]>; found: Array<[string, string?]> };

/** `listed`: the conversations asked for, undefined for all a member is in. `from`: those to be resumed. At most `max` are found. */
export async function takeSnapshot(
  pool: Pool, { account, identity, service }: Principal, listed: readonly string[] | undefined, from: readonly string[], max: number,
): Promise<Snapshot> {
  const shards = from.map((sid) => shardOf(account, sid));
  const { rows: [row] } = identity === undefined
    ? await pool.query<Row>({
      name: 'realtime-observer', text: `select ${heads}, ${lasts}, ${conversations}`, values: [account, from, shards, listed ?? from],
    })
    : await pool.query<Row>({
      name: 'realtime-member', text: `select ${heads}, ${lasts}, ${memberships}`,
      values: [account, from, shards, identity, service, listed ?? null, max],
    });
  return {
    heads: row!.heads,
    found: new Map(row!.found.map(([sid, participant]) => [sid, participant])),
    lasts: new Map(row!.lasts.map(([sid, last]) => [sid, last ?? 0])),
  };
}
