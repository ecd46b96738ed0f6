/** Routing policies as they are stored: one of the account, one of each conversation that wants another (migrations/0013_routing.sql). */
import { channelOfProxy } from '@parley/domain/address';
import type { RoutingPolicy } from '@parley/domain/delivery/routing';
import { isoTime, type Pool } from '@parley/event-store/database';
import { goOn } from './waiting.js';

/** `conversation` null: of all conversations of the account. */
export type RoutingPolicyRecord = { sid: string; account: string; conversation: string | null; policy: RoutingPolicy; created: string; updated: string };
type Row = { sid: string; account: string; conversation_sid: string; policy: RoutingPolicy; created_at: string; updated_at: string };
/** What a policy names and the account does not have. */
export type Missing = { template: string } | { sender: string };

const COLUMNS = 'sid, account, conversation_sid, policy, created_at, updated_at';

export class RoutingPolicies {
  constructor(private readonly pool: Pool) {}

  /** `taken`: the account, or the conversation, has one already. */
  async create(sid: string, account: string, conversation: string | null, policy: RoutingPolicy): Promise<RoutingPolicyRecord | 'taken'> {
    await this.pool.query(
      'insert into delivery.routing_policy (sid, account, conversation_sid, policy) values ($1, $2, $3, $4) on conflict do nothing returning delivery.changes_waits($2)',
      [sid, account, conversation ?? '', policy],
    );
    const made = await this.find(account, sid); // a repetition meets itself
    if (made) await this.lookAgain(made);
    return made ?? 'taken';
  }

  async find(account: string, sid: string): Promise<RoutingPolicyRecord | undefined> {
    const { rows: [row] } = await this.pool.query<Row>(`select ${COLUMNS} from delivery.routing_policy where account = $1 and sid = $2`, [account, sid]);
    return row && recordOf(row);
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
  async update(account: string, sid: string, policy: RoutingPolicy): Promise<RoutingPolicyRecord | undefined> {
    const { rows: [row] } = await this.pool.query<Row>(
      `update delivery.routing_policy set policy = $3, updated_at = now() where account = $1 and sid = $2 returning ${COLUMNS}, delivery.changes_waits($1)`, [account, sid, policy]);
    if (row) await this.lookAgain(recordOf(row));
    return row && recordOf(row);
  }

  async remove(account: string, sid: string): Promise<boolean> {
    const { rows: [row] } = await this.pool.query<Row>(`delete from delivery.routing_policy where account = $1 and sid = $2 returning ${COLUMNS}, delivery.changes_waits($1)`, [account, sid]);
    if (row) await this.lookAgain(recordOf(row));
    return row !== undefined;
  }

  /**
   * What waits for the end of quiet hours is decided anew once a change is committed: otherwise it would hold people up, and all that is behind in
   * their lanes, until hours that nobody wants any more.
   */
  private lookAgain({ account, conversation }: RoutingPolicyRecord): Promise<void> {
    return goOn(this.pool, 'quiet_hours', account, conversation === null ? {} : { conversation });
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

const recordOf = (row: Row): RoutingPolicyRecord => ({
  sid: row.sid, account: row.account, conversation: row.conversation_sid === '' ? null : row.conversation_sid, policy: row.policy,
  created: isoTime(row.created_at), updated: isoTime(row.updated_at),
});
