/**
 * One append: up to 100 commands, one call of `log.append`, one transaction. Builds the arguments, reads the answer; when
 * and with what to call it is the group commit's business.
 */
import type { LogEvent, NewEvent } from '@parley/domain/event';
import { randomUUID, type KeyObject } from 'node:crypto';
import type pg from 'pg';
import { currentVersion, encode } from './event-codec.js';
import { ModelWrites, type ProjectedEvent } from './inline-models.js';
import { byteaArray, int2Array, int4Array, int8Array, textArray, uuidArray } from './pg-arrays.js';

/** A decided command, ready for the log. */
export type Append = {
  account: string;
  shard: number;
  stream: string;
  /** The stream's version these facts were decided on; 0 for a stream that does not exist. */
  expected: number;
  events: NewEvent[];
  /** The conversation the facts belong to; null for facts outside conversations, which stay plain. */
  conversation: string | null;
  dataKey?: KeyObject;
  /** The index the conversation's next message gets, after these facts; null leaves it. */
  nextIndex: number | null;
  idempotency?: { key: string; hash: string; result: string; ttlSeconds: number };
  cause?: string;
};

/** What one command of the append came to. */
export type Outcome =
  | { status: 'ok'; events: LogEvent[] }
  | { status: 'conflict' }
  | { status: 'duplicate'; hash: string; result: string };

/** An append with its events' identities fixed, so that an unclear end can be looked up and tried again. */
export class AppendBatch {
  readonly eventIds: string[][];
  private readonly recordedAt = new Date();

  constructor(readonly commands: readonly Append[]) {
    this.eventIds = commands.map(({ events }) => events.map(() => randomUUID()));
  }

  private parameters(epochs: readonly number[], active: (conversation: string, second: number) => boolean): unknown[] {
    const { commands } = this;
    const counts = new Map<number, number>();
    const model = new ModelWrites(active);
    const [eCommand, eOrdinal, eShard, eVersion]: number[][] = [[], [], [], []];
    const [eStream, eAccount, eType, eId]: string[][] = [[], [], [], []];
    const [eCause, eKeyId]: (string | null)[][] = [[], []];
    const eData: Buffer[] = [];
    commands.forEach((command, at) => {
      counts.set(command.shard, (counts.get(command.shard) ?? 0) + command.events.length);
      command.events.forEach((event, ordinal) => {
        eCommand!.push(at + 1);
        eOrdinal!.push(ordinal);
        eShard!.push(command.shard);
        eStream!.push(command.stream);
        eAccount!.push(command.account);
        eType!.push(event.type);
        eVersion!.push(currentVersion(event.type));
        eId!.push(this.eventIds[at]![ordinal]!);
        eCause!.push(command.cause ?? null);
        eKeyId!.push(command.conversation);
        eData.push(encode(event.data, command.stream, command.expected + 1 + ordinal, command.dataKey));
        model.add(at + 1, event as ProjectedEvent, command.account, command.conversation);
      });
    });
    const shards = [...counts.keys()].sort((a, b) => a - b);
    const key = commands.map(({ idempotency }) => idempotency);
    return [
      int2Array(shards), int4Array(shards.map((shard) => counts.get(shard)!)), int8Array(shards.map((shard) => epochs[shard]!)),
      this.recordedAt.toISOString(),
      int2Array(commands.map((c) => c.shard)), textArray(commands.map((c) => c.stream)), textArray(commands.map((c) => c.account)),
      int4Array(commands.map((c) => c.expected)), int4Array(commands.map((c) => c.events.length)),
      int4Array(commands.map((c) => c.nextIndex)), textArray(key.map((k) => k?.key ?? null)), textArray(key.map((k) => k?.hash ?? null)),
      textArray(key.map((k) => k?.result ?? null)), int4Array(key.map((k) => k?.ttlSeconds ?? null)),
      int4Array(eCommand!), int4Array(eOrdinal!), int2Array(eShard!), textArray(eStream!), textArray(eAccount!), textArray(eType!),
      int2Array(eVersion!), uuidArray(eId!), textArray(eCause!), textArray(eKeyId!), byteaArray(eData),
      ...model.parameters(),
    ];
  }

  /** Throws Postgres' errors as they come; nothing was stored then, unless the connection broke. */
  async run(
    client: pg.ClientBase, epochs: readonly number[], active: (conversation: string, second: number) => boolean,
  ): Promise<Outcome[]> {
    const values = this.parameters(epochs, active);
    const { rows } = await client.query<{ status: string; positions: (number | null)[]; stored: (string | null)[] }>({
      name: 'append', text: appendText, values,
    });
    const { status, positions, stored } = rows[0]!;
    return this.commands.map((_command, at) => {
      switch (status[at]) {
        case 'o': return { status: 'ok', events: this.recorded(at, Number(positions[at])) };
        case 'd': {
          const [hash, result] = splitOnce(stored[at]!);
          return { status: 'duplicate', hash, result };
        }
        default: return { status: 'conflict' };
      }
    });
  }

  /** The facts of one command at their place in the log. */
  recorded(at: number, firstPosition: number): LogEvent[] {
    const { events, shard, stream, account, conversation, expected } = this.commands[at]!;
    const recordedAt = this.recordedAt.toISOString();
    return events.map(({ type, data }, ordinal) => ({
      shard, position: firstPosition + ordinal, stream, version: expected + 1 + ordinal, account, conversation, type,
      schemaVersion: currentVersion(type), eventId: this.eventIds[at]![ordinal]!, recordedAt, data: data as Record<string, unknown>,
    }));
  }
}

function splitOnce(text: string): [string, string] {
  const space = text.indexOf(' ');
  return [text.slice(0, space), text.slice(space + 1)];
}

const parameterTypes = [
  'smallint[]', 'integer[]', 'bigint[]', 'timestamptz',
  'smallint[]', 'text[]', 'text[]', 'integer[]', 'integer[]', 'integer[]', 'text[]', 'text[]', 'text[]', 'integer[]',
  'integer[]', 'integer[]', 'smallint[]', 'text[]', 'text[]', 'text[]', 'smallint[]', 'uuid[]', 'text[]', 'text[]', 'bytea[]',
  'integer[]', 'text[]', 'integer[]', 'text[]', 'text[]', 'text[]', 'text[]', 'text[]', 'text[]', 'text[]', 'text[]', 'smallint[]',
  'text[]', 'timestamptz[]', 'timestamptz[]', 'integer[]', 'text[]', 'timestamptz[]', 'integer[]', 'text[]', 'text[]',
];
const appendText = `select status, positions, stored from log.append(${parameterTypes.map((type, i) => `$${i + 1}::${type}`).join(', ')})`;
