/**
 * Who refused our messages. A refusal holds for one sender of ours and one person, and for the senders that share a messaging
 * service with it, until the person or an agent allows it again. One of marketing alone (WhatsApp) lets everything else through.
 */
import type { InboundMessage } from '@parley/channel/inbound-event';
import { isoTime, type Pool } from '@parley/event-store/database';

export type OptOutReason = 'keyword' | 'agent' | 'bounce' | 'complaint' | 'unsubscribe' | 'marketing';
export type OptOut = { sid: string; account: string; channel: string; sender: string; recipient: string; reason: string; created: string };
type Row = { sid: string; account: string; channel: string; sender: string; recipient: string; reason: string; at: string };
type Person = { account: string; channel: string; sender: string; recipient: string };

const COLUMNS = 'sid, account, channel, sender, recipient, reason, at';

/** The sender itself, and those of its messaging services. */
const poolOf = `
  select $3::text as address union
  select o.address from delivery.sender s join delivery.messaging_service_sender p on p.sender = s.sid
    join delivery.messaging_service_sender q on q.service = p.service join delivery.sender o on o.sid = q.sender and o.channel = $2
   where s.account = $1 and s.channel = $2 and s.address = $3`;

/** Takes note of a keyword; other messages change nothing. True when something changed. */
export async function noteKeyword(pool: Pool, account: string, { kind, channel, from, to }: InboundMessage): Promise<boolean> {
  if (kind === 'opt_out') return optOut(pool, { account, channel, sender: to, recipient: from }, 'keyword');
  if (kind === 'opt_in') return optIn(pool, { account, channel, sender: to, recipient: from });
  return false;
}

/** False: it was so before. */
export async function optOut(pool: Pool, person: Person, reason: OptOutReason): Promise<boolean> {
  return (await note(pool, person, reason)).some(({ changed }) => changed);
}

/** As it stands then, whether it was so before or not, and whoever takes it back a moment later. */
export async function noteOptOut(pool: Pool, person: Person, reason: OptOutReason): Promise<OptOut> {
  const { changed: _, ...row } = (await note(pool, person, reason)).find(({ sender }) => sender === person.sender)!;
  return optOutOf(row);
}

/** Of the sender and those that share a pool with it, in one order everywhere; what was so before is locked, and stays. */
async function note(pool: Pool, { account, channel, sender, recipient }: Person, reason: OptOutReason): Promise<(Row & { changed: boolean })[]> {
  const { rows } = await pool.query<Row & { changed: boolean }>(
    `insert into delivery.opt_out as o (account, channel, sender, recipient, reason) select $1, $2, s.address, $4, $5 from (${poolOf}) s order by s.address
     on conflict (account, channel, sender, recipient) do update set
       reason = case o.reason when 'marketing' then excluded.reason else o.reason end,
       at = case when o.reason = 'marketing' and excluded.reason <> 'marketing' then now() else o.at end
     returning ${COLUMNS}, at = now() as changed`,
    [account, channel, sender, recipient, reason],
  );
  return rows;
}

/** Marketing again; who refused everything has not said that. */
export async function allowMarketing(pool: Pool, { account, channel, sender, recipient }: Person): Promise<void> {
  await pool.query(
    `delete from delivery.opt_out where account = $1 and channel = $2 and sender in (select s.address from (${poolOf}) s) and recipient = $4 and reason = 'marketing'`,
    [account, channel, sender, recipient],
  );
}

export async function optIn(pool: Pool, { account, channel, sender, recipient }: Person): Promise<boolean> {
  const { rowCount } = await pool.query(
    `delete from delivery.opt_out where account = $1 and channel = $2 and sender in (select s.address from (${poolOf}) s) and recipient = $4`,
    [account, channel, sender, recipient],
  );
  return rowCount !== 0;
}

/** By SID, ascending; `after` exclusive. */
export async function listOptOuts(
  pool: Pool, account: string, { after = '', back = false, limit = 1000, sender = null as string | null, recipient = null as string | null } = {},
): Promise<OptOut[]> {
  const { rows } = await pool.query<Row>(
    `select ${COLUMNS} from delivery.opt_out where account = $1 and sid ${back ? '<' : '>'} $2 and ($4::text is null or sender = $4)
        and ($5::text is null or recipient = $5) order by sid ${back ? 'desc' : 'asc'} limit $3`, [account, after, limit, sender, recipient],
  );
  return rows.map(optOutOf);
}

export async function findOptOut(pool: Pool, account: string, sid: string): Promise<OptOut | undefined> {
  const { rows: [row] } = await pool.query<Row>(`select ${COLUMNS} from delivery.opt_out where account = $1 and sid = $2`, [account, sid]);
  return row && optOutOf(row);
}

const optOutOf = ({ at, ...row }: Row): OptOut => ({ ...row, created: isoTime(at) });
