/**
 * Finds the lanes whose head is due: a lost job, a pause that is over, a process that died in an attempt. Walks from lane to
 * lane by the index and looks at heads only, so a lane with a million deliveries behind a slow one costs as much as any.
 */
import type { Pool } from '@parley/event-store/database';
import type { Lane } from './lane.js';

const LANES_PER_STEP = 2000;
const start: Lane = { account: '', channel: '', sender: '', recipient: '' };

export class DueLanes {
  private last = start;

  constructor(private readonly pool: Pool) {}

  /** Of the next lanes in turn, those that are due; after the last lane it begins again. */
  async next(): Promise<Lane[]> {
    const { account, channel, sender, recipient } = this.last;
    const { rows } = await this.pool.query<Lane & { due: boolean }>({
      name: 'due-lanes', text: dueSql, values: [account, channel, sender, recipient, LANES_PER_STEP],
    });
    this.last = rows.length < LANES_PER_STEP ? start : rows.at(-1)!;
    return rows.filter(({ due }) => due).map((row) => ({
      account: row.account, channel: row.channel, sender: row.sender, recipient: row.recipient,
    }));
  }
}

const dueSql = `
with recursive lane as (
  (select account, channel, sender, recipient, due_at from delivery.delivery
    where state in ('queued', 'sending', 'unknown') and (account, channel, sender, recipient) > ($1, $2, $3, $4)
    order by account, channel, sender, recipient, place limit 1)
  union all
  select n.* from lane l cross join lateral (
    select d.account, d.channel, d.sender, d.recipient, d.due_at from delivery.delivery d
     where d.state in ('queued', 'sending', 'unknown')
       and (d.account, d.channel, d.sender, d.recipient) > (l.account, l.channel, l.sender, l.recipient)
     order by d.account, d.channel, d.sender, d.recipient, d.place limit 1) n
)
select account, channel, sender, recipient,
       due_at <= now() and not exists (select 1 from registry.account i where i.sid = lane.account and i.status <> 'active') as due
  from lane limit $5`;
