/**
 * Pieces of long messages, kept in the database until the last one is here; then the message goes on through the inbox as if
 * it had come in one. After PATIENCE_MILLIS what is there goes on, with a mark where something is missing.
 */
import type { InboundMessage, InboundPart } from '@parley/channel/inbound-event';
import { keywordKind } from '@parley/channel/opt-out';
import { decodeGsm7 } from '@parley/channel/sms/gsm7';
import { transaction, type Connection, type Pool } from '@parley/event-store/database';
import { eventKeyOf } from '@parley/channel/inbound-event';
import { logger } from '@parley/telemetry/logger';
import { laneOf } from './inbox-store.js';

export const PATIENCE_MILLIS = 600_000;
/** Stands where pieces never came. */
export const GAP = '[…]';
/** A repetition of a piece of a message that is joined already is known for so long. */
const REMEMBERED = '1 day';
const GROUPS_AT_ONCE = 100;
const log = logger('parts');

type Row = { id: number; number: number; event: InboundPart };
type Group = { account: string; carrier: string; message: string };

/** Which long message a piece belongs to. References come round again: what is joined is another message. */
const messageOf = ({ channel, from, to, part }: InboundPart): string => JSON.stringify([channel, from, to, part.reference, part.total]);

export class Parts {
  constructor(
    private readonly pool: Pool,
    /** A message was put into the inbox. */
    private readonly joined: () => void = () => {},
    private readonly patienceMillis = PATIENCE_MILLIS,
  ) {}

  /** Keeps a piece; a repetition changes nothing. */
  async add(account: string, carrier: string, event: InboundPart): Promise<void> {
    const { number, total, bytes } = event.part;
    if (!(Number.isInteger(number) && number >= 1 && number <= total && total <= 255)) return log.warn('a piece that fits nowhere', { carrier, number, total });
    const group = { account, carrier, message: messageOf(event) };
    const complete = await transaction(this.pool, async (tx) => {
      await this.lock(tx, group);
      const { rows: [known] } = await tx.query(
        `select 1 from delivery.part where account = $1 and carrier = $2 and message = $3 and number = $4
            and (not joined or received_at > now() - interval '${REMEMBERED}' and event->'part'->>'bytes' = $5)`, [account, carrier, group.message, number, bytes],
      );
      if (known) return false;
      await tx.query('insert into delivery.part (account, carrier, message, number, event) values ($1, $2, $3, $4, $5)', [account, carrier, group.message, number, event]);
      const rows = await this.pieces(tx, group);
      if (rows.length < total) return false;
      await this.join(tx, group, rows);
      return true;
    });
    if (complete) this.joined();
  }

  /** What waited long enough goes on as it is. Returns how many messages did. */
  async sweep(): Promise<number> {
    const { rows: groups } = await this.pool.query<Group>(
      `select account, carrier, message from delivery.part where not joined and received_at < now() - $1 * interval '1 ms'
        group by account, carrier, message order by min(received_at) limit ${GROUPS_AT_ONCE}`, [this.patienceMillis],
    );
    for (const group of groups) await transaction(this.pool, async (tx) => {
      await this.lock(tx, group);
      const rows = await this.pieces(tx, group);
      if (rows.length > 0) await this.join(tx, group, rows);
    });
    if (groups.length > 0) this.joined();
    return groups.length;
  }

  private lock(tx: Connection, { account, carrier, message }: Group) {
    return tx.query('select pg_advisory_xact_lock(hashtextextended($1, 7))', [JSON.stringify([account, carrier, message])]);
  }

  private async pieces(tx: Connection, { account, carrier, message }: Group): Promise<Row[]> {
    const { rows } = await tx.query<Row>(
      'select id, number, event from delivery.part where account = $1 and carrier = $2 and message = $3 and not joined order by number', [account, carrier, message],
    );
    return rows;
  }

  /** One transaction with what marks the pieces: the message is in the inbox once. */
  private async join(tx: Connection, { account, carrier }: Group, rows: Row[]): Promise<void> {
    const event = joinedMessage(rows.map((row) => row.event));
    await tx.query('update delivery.part set joined = true where id = any ($1)', [rows.map(({ id }) => id)]);
    await tx.query(
      `insert into delivery.inbox (account, carrier, event_key, lane, event) values ($1, $2, $3, $4, $5)
       on conflict on constraint inbox_event do nothing`, [account, carrier, eventKeyOf(event), laneOf({ account, carrier, event }), event],
    );
  }
}

/** Of the pieces there are, in their order. */
export function joinedMessage(parts: readonly InboundPart[]): InboundMessage {
  const { channel, from, to, providerMessageId, part: { total, encoding } } = parts[0]!;
  const texts: string[] = [];
  let run: Buffer[] = [];
  let next = 1;
  const endRun = () => {
    if (run.length > 0) texts.push(decoded(Buffer.concat(run), encoding));
    run = [];
  };
  for (const { part } of parts) {
    if (part.number !== next) {
      endRun();
      texts.push(GAP);
    }
    run.push(Buffer.from(part.bytes, 'base64'));
    next = part.number + 1;
  }
  endRun();
  if (next <= total) texts.push(GAP);
  const text = texts.join('').replaceAll('\0', '').toWellFormed();
  return { kind: channel === 'sms' ? keywordKind(text) : 'message', channel, from, to, providerMessageId, text, media: [], inReplyTo: null };
}

function decoded(bytes: Buffer, encoding: InboundPart['part']['encoding']): string {
  switch (encoding) {
    case 'gsm7': return decodeGsm7(bytes);
    case 'ucs2': return Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16().toString('utf16le');
    case 'latin1': return bytes.toString('latin1');
    case 'utf8': return bytes.toString('utf8');
  }
}
