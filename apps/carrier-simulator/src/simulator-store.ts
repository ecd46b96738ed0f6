/** What the simulator knows, all of it in Postgres: messages, behaviours, and webhooks it still owes. */
import { newSid } from '@parley/domain/sid';
import { transaction, type Connection, type Pool } from '@parley/event-store/database';
import { replyInMillis, reportsOf, type Behaviour } from './behaviour.js';
import { inboundForm, statusForm } from './webhook-forms.js';

export type SimulatedMessage = {
  ordinal: number; sid: string; account: string; direction: 'outbound-api' | 'inbound'; sender: string; recipient: string; body: string;
  media_urls: string[]; status: string; error_code: number | null; reference: string | null; sends: number; status_callback: string | null;
  /** Everybody else in the group it went to; null: to its recipient alone. */
  group_numbers: string[] | null; created_at: string;
};
export type NewMessage = Pick<SimulatedMessage, 'account' | 'sender' | 'recipient' | 'body'> & { mediaUrls: string[]; group?: readonly string[] };
type ParleysMessage = NewMessage & { reference: string | null; statusCallback: string | null };
export type Media = { contentType: string; url: string };
type Callback = { account: string; lane: string; url: string; form: Record<string, string>; sid: string | null; status: string | null; errorCode: number | null; dueInMillis: number };

const KEPT_DAYS = 7;
const REMOVED_AT_ONCE = 1000;

const received = (alias: string) => `${alias}.account = $1 and ${alias}.recipient = $2 and ${alias}.direction = 'outbound-api'`;

export class SimulatorStore {
  constructor(
    private readonly pool: Pool,
    /** Where inbound messages are reported. */
    private readonly inboundUrl: string,
  ) {}

  /**
   * Takes a message from Parley: of a group, for everybody in it or for nobody. The same reference again is the same message; only the first is
   * reported on. `behaviours`: of the recipient, then of each of its group.
   */
  async accept(message: ParleysMessage, [behaviour, ...others]: readonly [Behaviour, ...Behaviour[]]): Promise<SimulatedMessage> {
    const { recipient, reference, group = [] } = message;
    return transaction(this.pool, async (tx) => {
      const accepted = await this.acceptOne(tx, message, behaviour);
      for (const [i, number] of group.entries()) {
        const one = { ...message, recipient: number, group: [recipient, ...group].filter((other) => other !== number), reference: `${reference ?? accepted.sid} ${number}` };
        await this.acceptOne(tx, one, others[i]!);
      }
      return accepted;
    });
  }

  private async acceptOne(tx: Connection, message: ParleysMessage, behaviour: Behaviour): Promise<SimulatedMessage> {
    const { rows: [row] } = await tx.query<SimulatedMessage>(
      `insert into simulator.message (sid, account, direction, sender, recipient, body, media_urls, status, reference, status_callback, group_numbers)
       values ($1, $2, 'outbound-api', $3, $4, $5, $6, 'queued', $7, $8, $9)
       on conflict (account, reference) do update set sends = message.sends + 1 returning *`,
      [
        newSid(message.mediaUrls.length > 0 ? 'MM' : 'SM'), message.account, message.sender, message.recipient, message.body,
        message.mediaUrls, message.reference, message.statusCallback, message.group ?? null,
      ],
    );
    if (row!.sends > 1) return row!;
    await this.owe(tx, reportsOf(behaviour).flatMap((report) => statusCallback(row!, report.status, report.errorCode, report.dueInMillis)));
    if (behaviour.autoReply !== undefined) {
      const reply = { account: message.account, sender: message.recipient, recipient: message.sender, body: behaviour.autoReply, media: [], ...(message.group && { group: message.group }) };
      await this.write(tx, reply, replyInMillis(behaviour));
    }
    return row!;
  }

  /** A person writes to one of our numbers. */
  async writeMessage(message: Omit<NewMessage, 'mediaUrls'> & { media: Media[] }): Promise<SimulatedMessage> {
    return transaction(this.pool, (tx) => this.write(tx, message, 0));
  }

  /** Reports a status out of turn. False when the account has no such message from Parley. */
  async reportStatus(account: string, sid: string, status: string, errorCode?: number): Promise<boolean> {
    return transaction(this.pool, async (tx) => {
      const { rows: [row] } = await tx.query<SimulatedMessage>(
        "select * from simulator.message where account = $1 and sid = $2 and direction = 'outbound-api'", [account, sid],
      );
      if (row) await this.owe(tx, statusCallback(row, status, errorCode, 0));
      return row !== undefined;
    });
  }

  async find(account: string, sid: string): Promise<SimulatedMessage | undefined> {
    const { rows } = await this.pool.query<SimulatedMessage>('select * from simulator.message where account = $1 and sid = $2', [account, sid]);
    return rows[0];
  }

  /** Newest first. A reference names one message at most, by its unique key. */
  async list(account: string, filter: { to?: string | undefined; from?: string | undefined; reference?: string | undefined }, limit: number) {
    const { to, from, reference } = filter;
    if (reference !== undefined) {
      const { rows } = await this.pool.query<SimulatedMessage>('select * from simulator.message where account = $1 and reference = $2', [account, reference]);
      return rows.filter(({ recipient, sender }) => (to === undefined || recipient === to) && (from === undefined || sender === from));
    }
    const { rows } = await this.pool.query<SimulatedMessage>(
      `select * from simulator.message where account = $1 and ($2::text is null or recipient = $2) and ($3::text is null or sender = $3) order by ordinal desc limit $4`,
      [account, to ?? null, from ?? null, limit],
    );
    return rows;
  }

  /** What a handset has received, in order, after an ordinal; and how much in all. */
  async receivedBy(account: string, address: string, after: number, limit: number): Promise<{ count: number; messages: SimulatedMessage[] }> {
    const [{ rows: messages }, { rows: [total] }] = await Promise.all([
      this.pool.query<SimulatedMessage>(
        `select * from simulator.message m where ${received('m')} and ordinal > $3 order by ordinal limit $4`, [account, address, after, limit],
      ),
      this.pool.query<{ count: number }>(`select count(*) from simulator.message m where ${received('m')}`, [account, address]),
    ]);
    return { count: total!.count, messages };
  }

  async setBehaviour(account: string, address: string, { times, ...behaviour }: Behaviour): Promise<void> {
    await this.pool.query(
      `insert into simulator.behaviour (account, address, behaviour, times) values ($1, $2, $3, $4)
       on conflict (account, address) do update set behaviour = excluded.behaviour, times = excluded.times`,
      [account, address, behaviour, times ?? null],
    );
  }

  async clearBehaviour(account: string, address: string): Promise<void> {
    await this.pool.query('delete from simulator.behaviour where account = $1 and address = $2', [account, address]);
  }

  async behaviourOf(account: string, address: string): Promise<Behaviour> {
    const { rows } = await this.pool.query<{ behaviour: Behaviour; times: number | null }>(
      'select behaviour, times from simulator.behaviour where account = $1 and address = $2 and (times is null or times > 0)', [account, address],
    );
    return rows[0] ? { ...rows[0].behaviour, ...(rows[0].times !== null && { times: rows[0].times }) } : {};
  }

  /** For one message: the handset's behaviour over the sender's. Counts down `times`. */
  async takeBehaviour(account: string, sender: string, recipient: string): Promise<Behaviour> {
    const { rows } = await this.pool.query<{ address: string; behaviour: Behaviour }>(
      `update simulator.behaviour set times = times - 1
        where account = $1 and address in ($2, $3) and (times is null or times > 0) returning address, behaviour`, [account, sender, recipient],
    );
    const of = (address: string) => rows.find((row) => row.address === address)?.behaviour;
    return { ...of(sender), ...of(recipient) };
  }

  /** Deletes messages older than KEPT_DAYS, from the oldest, in steps of REMOVED_AT_ONCE. */
  async removeOld(): Promise<void> {
    for (let removed = REMOVED_AT_ONCE; removed === REMOVED_AT_ONCE; )
      removed = (await this.pool.query(
        `delete from simulator.message where ordinal in (select ordinal from simulator.message order by ordinal limit ${REMOVED_AT_ONCE})
            and created_at < now() - interval '${KEPT_DAYS} days'`,
      )).rowCount ?? 0;
  }

  private async write(tx: Connection, { account, sender, recipient, body, media, group }: Omit<NewMessage, 'mediaUrls'> & { media: Media[] }, dueInMillis: number) {
    const { rows: [row] } = await tx.query<SimulatedMessage>(
      `insert into simulator.message (sid, account, direction, sender, recipient, body, media_urls, status, group_numbers)
       values ($1, $2, 'inbound', $3, $4, $5, $6, 'received', $7) returning *`,
      [newSid(media.length > 0 ? 'MM' : 'SM'), account, sender, recipient, body, media.map(({ url }) => url), group ?? null],
    );
    await this.owe(tx, [{
      account, lane: JSON.stringify([account, sender, recipient]), url: this.inboundUrl, form: inboundForm(row!, media), sid: null, status: null,
      errorCode: null, dueInMillis,
    }]);
    return row!;
  }

  private async owe(tx: Connection, callbacks: Callback[]): Promise<void> {
    if (callbacks.length === 0) return;
    await tx.query(
      `insert into simulator.callback (account, lane, url, form, sid, status, error_code, due_at)
       select account, lane, url, form, sid, status, "errorCode", now() + "dueInMillis" * interval '1 ms'
         from jsonb_to_recordset($1) as c (account text, lane text, url text, form jsonb, sid text, status text, "errorCode" integer, "dueInMillis" float)`,
      [JSON.stringify(callbacks)],
    );
  }
}

function statusCallback(message: SimulatedMessage, status: string, errorCode: number | undefined, dueInMillis: number): Callback[] {
  const { account, sid, status_callback: url } = message;
  if (url === null) return [];
  return [{ account, lane: sid, url, form: statusForm(message, status, errorCode), sid, status, errorCode: errorCode ?? null, dueInMillis }];
}
