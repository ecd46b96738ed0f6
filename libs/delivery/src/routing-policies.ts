/** Routing policies as they are stored: one of the account, one of each conversation that wants another (migrations/0013_routing.sql). */
import { channelOfProxy } from '@parley/domain/address';
import { quietUntil } from '@parley/domain/delivery/quiet-hours';
import type { RoutingPolicy } from '@parley/domain/delivery/routing';
import { isoTime, transaction, type Connection, type Pool } from '@parley/event-store/database';

/** `conversation` null: of all conversations of the account. */
export type RoutingPolicyRecord = { sid: string; account: string; conversation: string | null; policy: RoutingPolicy; created: string; updated: string };
type Row = { sid: string; account: string; conversation_sid: string; policy: RoutingPolicy; created_at: string; updated_at: string };
/** What a policy names and the account does not have. */
export type Missing = { template: string } | { sender: string };

const COLUMNS = 'sid, account, conversation_sid, policy, created_at, updated_at';
/** Between the clock by which a delivery was put off and the one by which it is looked for. */
const CLOCK_SKEW_MILLIS = 30_000;

export class RoutingPolicies {
  constructor(private readonly pool: Pool) {}

  /** `taken`: the account, or the conversation, has one already. */
  create(sid: string, account: string, conversation: string | null, policy: RoutingPolicy): Promise<RoutingPolicyRecord | 'taken'> {
    return transaction(this.pool, async (tx) => {
      const before = await policyBefore(tx, account, conversation);
      const { rowCount } = await tx.query(
        'insert into delivery.routing_policy (sid, account, conversation_sid, policy) values ($1, $2, $3, $4) on conflict do nothing',
        [sid, account, conversation ?? '', policy],
      );
      if (rowCount === 1) await lookAgain(tx, account, conversation, before);
      return (await found(tx, account, sid)) ?? 'taken'; // a repetition meets itself
    });
  }

  find(account: string, sid: string): Promise<RoutingPolicyRecord | undefined> {
    return found(this.pool, account, sid);
  }

  /** By SID, ascending; `after` exclusive. */
  async list(account: string, { after = '', back = false, limit = 1000, conversation = null as string | null } = {}): Promise<RoutingPolicyRecord[]> {
    const { rows } = await this.pool.query<Row>(
      `select ${COLUMNS} from delivery.routing_policy where account = $1 and sid ${back ? '<' : '>'} $2 and ($4::text is null or conversation_sid = $4)
        order by sid ${back ? 'desc' : 'asc'} limit $3`, [account, after, limit, conversation],
    );
    return rows.map(recordOf);
  }

  /** Deliveries that were tried before keep the ways they had; those that wait for the end of quiet hours are decided anew. */
  update(account: string, sid: string, policy: RoutingPolicy): Promise<RoutingPolicyRecord | undefined> {
    return this.change(account, sid, async (tx) => {
      const { rows: [row] } = await tx.query<Row>(
        `update delivery.routing_policy set policy = $3, updated_at = now() where account = $1 and sid = $2 returning ${COLUMNS}`, [account, sid, policy]);
      return row && recordOf(row);
    });
  }

  async remove(account: string, sid: string): Promise<boolean> {
    const removed = await this.change(account, sid, async (tx) => {
      const { rowCount } = await tx.query('delete from delivery.routing_policy where account = $1 and sid = $2', [account, sid]);
      return rowCount === 1;
    });
    return removed === true;
  }

  private change<T>(account: string, sid: string, make: (tx: Connection) => Promise<T>): Promise<T | undefined> {
    return transaction(this.pool, async (tx) => {
      const of = await found(tx, account, sid);
      if (!of) return undefined;
      const before = await policyBefore(tx, account, of.conversation);
      const made = await make(tx);
      await lookAgain(tx, account, of.conversation, before);
      return made;
    });
  }

  /** The first template or sender of a policy that the account could not use. */
  async missingOf(account: string, { fallback }: RoutingPolicy): Promise<Missing | undefined> {
    for (const { template, sender } of fallback?.ways ?? []) {
      const { rows: [has] } = await this.pool.query<{ template: boolean; sender: boolean }>(
        `select $2::text is null or exists (select 1 from model.content_template where account = $1 and sid = $2) as template,
                $3::text is null or delivery.may_use_proxy($1, $4, $3) as sender`, [account, template ?? null, sender ?? null, sender === undefined ? null : channelOfProxy(sender)],
      );
      if (!has!.template) return { template: template! };
      if (!has!.sender) return { sender: sender! };
    }
    return undefined;
  }
}

async function found(db: Pick<Pool, 'query'>, account: string, sid: string): Promise<RoutingPolicyRecord | undefined> {
  const { rows: [row] } = await db.query<Row>(`select ${COLUMNS} from delivery.routing_policy where account = $1 and sid = $2`, [account, sid]);
  return row && recordOf(row);
}

async function policyBefore(tx: Connection, account: string, conversation: string | null): Promise<RoutingPolicy> {
  const { rows: [row] } = await tx.query<{ policy: RoutingPolicy }>('select delivery.policy_of($1, $2) as policy', [account, conversation ?? '']);
  return row!.policy;
}

/**
 * What waits for the end of the quiet hours that were, by the policy before, is looked at again: otherwise a change would hold
 * people up, and all that is behind in their lanes, until hours that nobody wants any more. Its deadline goes back by as much.
 */
async function lookAgain(tx: Connection, account: string, conversation: string | null, { quiet_hours: quiet }: RoutingPolicy): Promise<void> {
  const until = quietUntil(quiet, quiet?.channels?.[0] ?? 'sms', Date.now());
  if (until === undefined) return;
  await tx.query(
    `update delivery.delivery set due_at = now(), deadline = deadline - (due_at - now())
      where account = $1 and state = 'queued' and ($2::text is null or conversation_sid = $2)
        and due_at between to_timestamp(($3::float8 - ${CLOCK_SKEW_MILLIS}) / 1000) and to_timestamp(($3::float8 + ${CLOCK_SKEW_MILLIS}) / 1000) and due_at > now()`,
    [account, conversation, until]);
}

const recordOf = (row: Row): RoutingPolicyRecord => ({
  sid: row.sid, account: row.account, conversation: row.conversation_sid === '' ? null : row.conversation_sid, policy: row.policy,
  created: isoTime(row.created_at), updated: isoTime(row.updated_at),
});
