/** What must hold in the database whatever happened: one line per rule that does not. */
import { connectDatabase } from '../../infra/local/database.mjs';

/** Each gives the rows that break the rule. */
const rules: [rule: string, sql: string][] = [
  ['positions of a shard are contiguous from its trim mark to its head', `
    select s.shard, s.head, s.trim, count(e.*) as events, max(e.position) as last from log.shard s left join log.event e on e.shard = s.shard
     group by s.shard having count(e.*) <> s.head - s.trim or coalesce(max(e.position), s.trim) <> s.head`],
  ['versions of a stream are 1 to n and the stream knows n', `
    select e.shard, e.stream, count(*) as events, max(e.version) as last, s.version from log.event e
      left join log.stream s on s.shard = e.shard and s.stream = e.stream
     group by e.shard, e.stream, s.version having count(*) <> max(e.version) or min(e.version) <> 1 or s.version is distinct from max(e.version)`],
  ['versions of a stream follow its positions', `
    select * from (select shard, stream, version, row_number() over (partition by shard, stream order by position) as place from log.event) e
     where version <> place`],
  ['no fact is stored twice', 'select event_id from log.event group by event_id having count(*) > 1'],
  ['no consumer is ahead of the log', `
    select c.consumer, c.shard, c.position, s.head from log.checkpoint c join log.shard s on s.shard = c.shard where c.position > s.head`],
  ['nothing is parked', 'select consumer, shard, position, conversation, error from log.parked'],
  ['indexes of a conversation are contiguous', `
    select conversation_sid, count(*) as messages, max(index) as last from model.message group by conversation_sid having count(*) <> max(index) + 1`],
  ['each recipient of a message has one delivery', `
    select m.sid, m.recipients, count(d.*) as deliveries from model.message m left join delivery.delivery d on d.message_sid = m.sid
     where m.recipients > 0 group by m.sid, m.recipients having count(d.*) <> m.recipients`],
  ['each delivery has the receipt of its state', `
    select d.delivery_id, d.state, r.status from delivery.delivery d left join model.receipt r on r.sid = d.delivery_id
     where d.state in ('sent', 'delivered', 'read', 'failed', 'undelivered') and r.status is distinct from d.state`],
  // By SMPP a message whose submit was never answered is sent again under another id (docs/channels/smpp.md): a receipt for the first is for nothing we know.
  ['no inbound event is left over', `
    select id, carrier, event_key, state, attempts from delivery.inbox where state <> 'done' and not (carrier = 'smpp' and event->>'kind' = 'status')`],
];
const SHOWN_MAX = 3;

/** `[]` when all hold. */
export async function brokenInvariants(databaseUrl: string): Promise<string[]> {
  const client = await connectDatabase(databaseUrl);
  try {
    const broken: string[] = [];
    for (const [rule, sql] of rules) {
      const { rows } = await client.query<Record<string, unknown>>(sql);
      if (rows.length > 0) broken.push(`not true that ${rule}: ${rows.length} times, e.g. ${rows.slice(0, SHOWN_MAX).map((row) => JSON.stringify(row)).join(', ')}`);
    }
    return broken;
  } finally {
    await client.end();
  }
}
