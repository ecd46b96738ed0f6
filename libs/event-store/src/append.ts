/**
 * One append: up to 100 commands, one call of `log.append`, one transaction. Builds the arguments, reads the answer; when
 * and with what to call it is the group commit's business.
 */
import type { LogEvent, NewEvent } from '@parley/domain/event';
import { randomUUID, type KeyObject } from 'node:crypto';
import type pg from 'pg';
import { encode } from './event-codec.js';
import { ModelWrites, type ProjectedEvent } from './inline-models.js';
import { byteaArray, int2Array, int4Array, int8Array, textArray, textArrayOrNull, uuidArray } from './pg-arrays.js';
import { currentVersion } from './upcasters.js';

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
  /** Whose data key encrypts them, when they belong to no conversation: a user. */
  keyId?: string;
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

/** What one batch holds for one stream: facts decided on top of each other, accepted all or none. */
type Group = { commands: { at: number; command: Append; /** Facts of the group before this command's. */ before: number }[]; n: number };

/** An append with its events' identities fixed, so that an unclear end can be looked up and tried again. */
export class AppendBatch {
  private readonly eventIds: string[][];
  private readonly groups: Group[];
  private readonly groupOf: number[] = [];
  private readonly recordedAt = new Date().toISOString();

  /**
   * The commands of one stream must follow each other's versions. A command with an idempotency key must be its stream's
   * only one, and no key may occur twice.
   */
  constructor(readonly commands: readonly Append[]) {
    this.eventIds = commands.map(({ events }) => events.map(() => randomUUID()));
    const byStream = new Map<string, number>();
    this.groups = [];
    commands.forEach((command, at) => {
      let place = byStream.get(command.stream);
      if (place === undefined) {
        place = this.groups.push({ commands: [], n: 0 }) - 1;
        byStream.set(command.stream, place);
      }
      const group = this.groups[place]!;
      group.commands.push({ at, command, before: group.n });
      group.n += command.events.length;
      this.groupOf.push(place);
    });
  }

  /** Throws Postgres' errors as they come; nothing was stored then, unless the connection broke. */
  async run(
    client: pg.ClientBase, epochs: readonly number[], active: (conversation: string, second: number) => boolean,
  ): Promise<Outcome[]> {
    const { rows } = await client.query<{ status: string; positions: (number | null)[]; stored: (string | null)[] | null }>({
      name: 'append', text: appendText, values: this.parameters(epochs, active),
    });
    const { status, positions, stored } = rows[0]!;
    return this.commands.map((_command, at) => {
      const group = this.groupOf[at]!;
      switch (status[group]) {
        case 'o': return { status: 'ok', events: this.recorded(at, Number(positions[group]) + this.before(at)) };
        case 'd': {
          const [hash, result] = splitOnce(stored![group]!);
          return { status: 'duplicate', hash, result };
        }
        default: return { status: 'conflict' };
      }
    });
  }

  /** The facts of one command at their place in the log. */
  recorded(at: number, firstPosition: number): LogEvent[] {
    const { events, shard, stream, account, conversation, expected, cause } = this.commands[at]!;
    return events.map(({ type, data }, ordinal) => ({
      shard, position: firstPosition + ordinal, stream, version: expected + 1 + ordinal, account, conversation, type,
      schemaVersion: currentVersion(type), eventId: this.eventIds[at]![ordinal]!, recordedAt: this.recordedAt,
      data: data as Record<string, unknown>, ...(cause !== undefined && { cause }),
    }));
  }

  /** The identity of a command's first fact. */
  firstEventId(at: number): string {
    return this.eventIds[at]![0]!;
  }

  private before(at: number): number {
    return this.groups[this.groupOf[at]!]!.commands.find((c) => c.at === at)!.before;
  }

  private parameters(epochs: readonly number[], active: (conversation: string, second: number) => boolean): unknown[] {
    const first = this.groups.map(({ commands }) => commands[0]!.command);
    const shards = [...new Set(first.map(({ shard }) => shard))].sort((a, b) => a - b);
    const keys = first.map(({ idempotency }) => idempotency);
    const keyed = keys.some((key) => key !== undefined);
    const text = (pick: (key: NonNullable<Append['idempotency']>) => string) => (keyed ? textArray(keys.map((key) => (key ? pick(key) : null))) : null);
    return [
      int2Array(shards), int8Array(shards.map((shard) => epochs[shard]!)), this.recordedAt,
      int4Array(first.map(({ shard }) => shards.indexOf(shard) + 1)), int2Array(first.map(({ shard }) => shard)),
      textArray(first.map(({ stream }) => stream)), textArray(first.map(({ account }) => account)),
      textArrayOrNull(first.map(({ conversation, keyId }) => conversation ?? keyId ?? null)), int4Array(first.map(({ expected }) => expected)),
      int4Array(this.groups.map(({ n }) => n)), int4Array(this.groups.map(({ commands }) => commands.at(-1)!.command.nextIndex)),
      text((key) => key.key), text((key) => key.hash), text((key) => key.result),
      keyed ? int4Array(keys.map((key) => key?.ttlSeconds ?? null)) : null,
      ...this.factParameters(active),
    ];
  }

  private factParameters(active: (conversation: string, second: number) => boolean): (Buffer | null)[] {
    const model = new ModelWrites(active);
    const [group, ordinal, version]: [number[], number[], number[]] = [[], [], []];
    const [type, id]: [string[], string[]] = [[], []];
    const cause: (string | null)[] = [];
    const data: Buffer[] = [];
    this.groups.forEach(({ commands }, place) => {
      for (const { at, command, before } of commands) {
        command.events.forEach((event, nth) => {
          group.push(place + 1);
          ordinal.push(before + nth);
          type.push(event.type);
          version.push(currentVersion(event.type));
          id.push(this.eventIds[at]![nth]!);
          cause.push(command.cause ?? null);
          data.push(encode(event.data, command.stream, command.expected + 1 + nth, command.dataKey));
          model.add(place + 1, event as ProjectedEvent, command.account, command.conversation);
        });
      }
    });
    return [
      int4Array(group), int4Array(ordinal), textArray(type), int2Array(version), uuidArray(id), textArrayOrNull(cause), byteaArray(data),
      ...model.parameters(),
    ];
  }
}

function splitOnce(text: string): [string, string] {
  const space = text.indexOf(' ');
  return [text.slice(0, space), text.slice(space + 1)];
}

const parameterTypes = [
  'smallint[]', 'bigint[]', 'timestamptz',
  'integer[]', 'smallint[]', 'text[]', 'text[]', 'text[]', 'integer[]', 'integer[]', 'integer[]', 'text[]', 'text[]', 'text[]', 'integer[]',
  'integer[]', 'integer[]', 'text[]', 'smallint[]', 'uuid[]', 'text[]', 'bytea[]',
  'integer[]', 'integer[]', 'text[]', 'text[]', 'text[]', 'text[]', 'text[]', 'text[]', 'text[]', 'text[]', 'smallint[]', 'text[]',
  'timestamptz[]', 'timestamptz[]', 'integer[]', 'timestamptz[]', 'integer[]', 'text[]', 'text[]',
];
const appendText = `select status, positions, stored from log.append(${parameterTypes.map((type, i) => `$${i + 1}::${type}`).join(', ')})`;
