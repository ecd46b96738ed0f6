/**
 * What carriers tell us: stored before they are answered, then worked off at once by the process that stored it; what a
 * dead process left is taken over when its lease ends. Messages of one lane (sender to recipient) keep their order, also
 * through failures and across processes; status reports have no lane and may wait for a delivery not known yet.
 */
import type { DeliveryReceipt, InboundChange, InboundEvent, InboundMessage, InboundPart } from '@parley/channel/inbound-event';
import { DomainError } from '@parley/domain/domain-error';
import { isConnectionError } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { setTimeout as pause } from 'node:timers/promises';
import { laneOf, type Arrival, type InboxEnd, type InboxRow, type InboxStore, type Stored } from './inbox-store.js';

export type InboxHandlers = {
  /** What it throws is tried again, and the lane waits. `reference` is the same at every try. `told`: another number's report on it is the one taken. */
  message(account: string, event: InboundMessage, about: { reference: string; receivedAt: string }): Promise<'done' | 'told' | 'unrouted'>;
  status(account: string, event: DeliveryReceipt): Promise<'done' | 'unmatched'>;
  /** Pieces of long messages, and what happened to messages and people. */
  other(account: string, event: InboundPart | InboundChange, about: { carrier: string }): Promise<'done' | 'unmatched'>;
};

type Ending = InboxEnd['state'] | 'told';
/** An event that another process is about to be done with is looked at again so soon. */
const GLANCE_MILLIS = 25;
/** Events in the memory of one process; more wait in the table. */
const IN_MEMORY_MAX = 5_000;
const TAKE_MAX = 500;
/** At least the lease: what could not be put back comes again in order. */
const HELD_MILLIS = 12_000;
/** A message that fails for reasons of its own is given up then, and its lane moves on. */
const ATTEMPTS_MAX = 10;
/** A status report may come before we know the carrier's id; after this it is about nothing of ours. */
const PARKED_MILLIS = 300_000;
const STOP_MILLIS = 5_000;
const log = logger('inbox');
const ended = metrics.counter('parley_inbox_events_total', 'Events of carriers, by how they ended');

export class Inbox {
  private readonly inMemory = new Set<number>();
  /** Lanes at work, and what waits behind. */
  private readonly lanes = new Map<string, InboxRow[]>();
  /** Lanes that failed, and until when they are held. */
  private readonly held = new Map<string, number>();
  /** Lanes of which something may be stored in our name that we do not know of. */
  private readonly unsure = new Set<string>();
  /** The same of all lanes: from before a restart, or the answer to a take was lost. */
  private unsureOfAll = true;
  /** Until then all lanes are held: what was being stored meanwhile was placed by what we did not know. */
  private allHeldUntil = 0;
  /** Defined while the table is asked for what is due: what was stored since comes behind that. */
  private behind: InboxRow[] | undefined;
  private timer: NodeJS.Timeout | undefined;
  private sweepAt = Infinity;
  private sweeping: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly store: InboxStore,
    private readonly handlers: InboxHandlers,
    private readonly sweepMillis = 1_000,
  ) {}

  async start(): Promise<void> {
    await this.takeBack().catch((error: unknown) => log.warn('what was left is taken over later', { error }));
    this.sweepIn(0);
  }

  /** Takes nothing more, finishes what it has; what is left after 5 s is taken over by somebody else. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.sweeping;
    for (const end = Date.now() + STOP_MILLIS; this.inMemory.size > 0 && Date.now() < end; ) await pause(10);
  }

  /** Resolves once the events are stored; what came before is stored already. Work on them begins at once. */
  async receive(account: string, carrier: string, events: InboundEvent[]): Promise<void> {
    const mayWork = this.inMemory.size < IN_MEMORY_MAX && !this.stopped;
    const stored = await Promise.all(events.map((event) => this.storeOne({ account, carrier, event }, mayWork)));
    for (const { row, left } of stored) {
      if (row && this.isHeld(row.lane)) await this.putBack([row].filter(({ id }) => !this.inMemory.has(id)));
      else if (row && this.behind && row.lane !== null) this.wait(row, this.behind);
      else if (row) this.enqueue(row);
      if (left) this.sweepIn(GLANCE_MILLIS);
    }
  }

  /** Something was put into the table that nobody has yet. */
  soon(): void {
    this.sweepIn(GLANCE_MILLIS);
  }

  private async storeOne(arrival: Arrival, mayWork: boolean): Promise<Stored> {
    const lane = laneOf(arrival);
    try {
      return await this.store.store(arrival, mayWork && !this.isHeld(lane));
    } catch (error) {
      // It may be stored all the same, as ours, while nobody told us: the next of its lane must not overtake it.
      if (lane !== null) {
        this.held.set(lane, Date.now() + HELD_MILLIS);
        this.unsure.add(lane);
      }
      throw error;
    }
  }

  private wait(row: InboxRow, behind: InboxRow[]): void {
    this.inMemory.add(row.id);
    behind.push(row);
  }

  private enqueue(row: InboxRow): void {
    this.inMemory.add(row.id);
    if (row.lane === null) return void this.work(row);
    const lane = this.lanes.get(row.lane);
    if (lane) return void lane.push(row);
    this.lanes.set(row.lane, []);
    return void this.workLane(row.lane, row);
  }

  private async workLane(lane: string, first: InboxRow): Promise<void> {
    const waiting = this.lanes.get(lane)!;
    for (let row: InboxRow | undefined = first; row; row = waiting.shift()) {
      if (await this.work(row)) continue;
      // It is tried again later, and nobody overtakes it: neither those behind it nor those being stored at this moment.
      this.held.set(lane, Date.now() + HELD_MILLIS);
      while (waiting.length > 0) await this.putBack(waiting.splice(0));
    }
    this.lanes.delete(lane);
  }

  /** Recently failed: its order is kept by the table, new messages go through the sweep. */
  private isHeld(lane: string | null): boolean {
    if (lane === null) return false;
    return this.unsureOfAll || Math.max(this.allHeldUntil, this.held.get(lane) ?? 0) > Date.now();
  }

  private async putBack(rows: InboxRow[]): Promise<void> {
    if (rows.length === 0) return;
    const ids = rows.map(({ id }) => id);
    for (const id of ids) this.inMemory.delete(id);
    await this.store.release(ids).catch((error: unknown) => log.warn('events come again when their lease ends', { events: ids.length, error }));
    this.sweepIn(GLANCE_MILLIS);
  }

  /** False: it has to be tried again before the next of its lane. */
  private async work(row: InboxRow): Promise<boolean> {
    try {
      const state = await this.handle(row);
      const parked = state === 'unmatched' && Date.now() - Date.parse(row.receivedAt) < PARKED_MILLIS;
      if (parked) await this.postpone(row);
      else this.end(row, state);
      return true;
    } catch (error) {
      const transient = isTransient(error);
      log.warn('event not handled yet', { id: row.id, kind: row.event.kind, attempts: row.attempts, transient, error });
      const givenUp = !transient && row.attempts + 1 >= ATTEMPTS_MAX;
      if (givenUp) this.end(row, 'failed');
      else await this.postpone(row);
      return givenUp;
    } finally {
      this.inMemory.delete(row.id);
    }
  }

  private handle({ account, carrier, event, receivedAt }: InboxRow): Promise<Ending> {
    switch (event.kind) {
      case 'status': return this.handlers.status(account, event);
      case 'part': case 'edit': case 'delete': case 'system': case 'ignore': return this.handlers.other(account, event, { carrier });
      default: return this.handlers.message(account, event, { reference: `${carrier}:${event.providerMessageId}`, receivedAt });
    }
  }

  private end({ id, event }: InboxRow, state: Ending): void {
    // `told` is counted apart: when nothing else of a group arrives, this is where its messages went.
    ended.add(1, { kind: event.kind, state });
    this.store.end({ id, state: state === 'told' ? 'done' : state }).catch((error: unknown) => log.warn('event not marked, it is handled again', { id, error }));
  }

  private async postpone({ id, attempts }: InboxRow): Promise<void> {
    await this.store.postpone(id, Math.min(500 * 2 ** attempts, 60_000))
      .catch((error: unknown) => log.warn('event comes again when its lease ends', { id, error }));
  }

  private sweepIn(millis: number): void {
    const at = Date.now() + millis;
    if (this.stopped || this.sweepAt <= at) return;
    clearTimeout(this.timer);
    this.sweepAt = at;
    this.timer = setTimeout(() => {
      this.sweepAt = Infinity;
      this.sweeping = this.sweep()
        .catch((error: unknown) => log.warn('looking for left events failed', { error }))
        .then(() => this.sweepIn(this.sweepMillis));
    }, millis);
  }

  private async sweep(): Promise<void> {
    for (const [lane, until] of this.held) if (until <= Date.now()) this.held.delete(lane);
    if (this.unsureOfAll || this.unsure.size > 0) await this.takeBack();
    const room = Math.min(TAKE_MAX, IN_MEMORY_MAX - this.inMemory.size);
    if (room > 0) await this.takeDue(room);
  }

  /** What is ours by name, though we do not have it, is put back. */
  private async takeBack(): Promise<void> {
    const lanes = [...this.unsure];
    await this.store.disown(this.unsureOfAll ? null : lanes, [...this.inMemory]);
    this.unsureOfAll = false;
    for (const lane of lanes) this.unsure.delete(lane);
  }

  private async takeDue(room: number): Promise<void> {
    const behind: InboxRow[] = (this.behind = []);
    const taken = await this.store.take(room, [...this.inMemory]).catch((error: unknown) => {
      // It may have been taken all the same, as ours: nothing may overtake it until it is put back.
      this.unsureOfAll = true;
      this.allHeldUntil = Date.now() + HELD_MILLIS;
      log.warn('looking for left events failed', { error });
      return [];
    });
    this.behind = undefined;
    for (const row of taken) this.enqueue(row);
    const held = behind.filter(({ lane }) => this.isHeld(lane));
    for (const row of behind) if (!held.includes(row)) this.enqueue(row);
    await this.putBack(held);
  }
}

const isTransient = (error: unknown): boolean =>
  error instanceof DomainError ? ['overloaded', 'unavailable', 'conflicting_modification'].includes(error.code) : isConnectionError(error);
