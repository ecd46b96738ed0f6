/**
 * Sends what is due, lane by lane. Woken by jobs of the work queue; the table decides what there really is to do, so a job
 * that comes twice, too early or never does no harm. A carrier that hangs holds up its own sender, never anybody else's.
 */
import type { ChannelAdapter, Delivery } from '@parley/channel/channel-adapter';
import { SendError, UNKNOWN_ERROR } from '@parley/channel/send-error';
import { NOT_OUR_SENDER } from '@parley/channel/twilio/errors';
import { legsOf, refusals, route, type Decision, type Leg } from '@parley/domain/delivery/routing';
import { isoTime } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { setTimeout as pause } from 'node:timers/promises';
import { begun, endOf, failed, goOn, outsideSender, taken, type End } from './attempt-end.js';
import type { Carriers } from './carriers.js';
import type { Claim, DeliveryStore, Settlement } from './delivery-store.js';
import { formsOf } from './forms.js';
import { laneKey, senderKey, type Lane } from './lane.js';
import { authorOf, filesMaxOf, outgoingOf, withTemplate, type Files, type Outgoing } from './outgoing.js';
import type { Receipts } from './receipts.js';
import { planForWindow } from './reply-window.js';
import { pauseAfter, usualRetries, type RetryPolicy } from './retry-policy.js';
import { bucketsOf, type SendRate } from './send-rate.js';
import { SenderGate, type CallEnd } from './sender-gate.js';

export type Complete = (claim: Claim, adapter: ChannelAdapter, delivery: Delivery) => Promise<Delivery>;

export type DispatcherOptions = {
  store: DeliveryStore;
  carriers: Carriers;
  files: Files;
  receipts: Receipts;
  /** What the channel adds to a delivery before it is sent. */
  complete?: Complete;
  /** A carrier that has not answered by then is not waited for: the attempt is unknown. */
  timeoutMillis?: number;
  /** Calls in flight per sender. */
  concurrency?: number;
  retries?: RetryPolicy;
  /** Without it, as fast as carriers answer. */
  rate?: SendRate;
  /** A delivery waits in the lane of another way now; without it, the sweeper finds it. */
  onMoved?: (lane: Lane) => void;
};

/** Lanes one sender may have waiting in memory; the sweeper brings the others again. */
const WAITING_MAX = 1000;
const SETTLE_ATTEMPTS = 6;
/** A template that is not approved, or gone (channel facts, 1.10). */
const TEMPLATE_MISSING = 63027;
/** Until a file may have come. */
const MEDIA_PAUSE_MILLIS = 2_000;
const STOP_MILLIS = 5_000;
const DAY_MILLIS = 86_400_000;
/** The sweeper comes once a second: too late for who waits less than a few. */
const SOON_MILLIS = 5_000;
/** A limit that is lifted lets go who would wait longer than that for it. */
const LONG_MILLIS = 10_000;
/** Of a send; what comes later, handsets report. */
const endStates: ReadonlySet<string> = new Set<Settlement['state']>(['accepted', 'sent', 'failed']);
const log = logger('dispatcher');
const settled = metrics.counter('parley_delivery_attempts_total', 'Attempts to deliver outside the chat, by how they ended');

export class Dispatcher {
  private readonly gates = new Map<string, SenderGate>();
  /** Lanes at work; true: woken meanwhile, so look again. */
  private readonly active = new Map<string, boolean>();
  private readonly stopping = new AbortController();
  private stopped = false;
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly timeoutMillis: number;
  private readonly retries: RetryPolicy;

  constructor(private readonly options: DispatcherOptions) {
    this.timeoutMillis = options.timeoutMillis ?? 10_000;
    this.retries = options.retries ?? usualRetries;
  }

  /** Returns at once: the lane is looked at as soon as its sender may. */
  wake(lane: Lane): void {
    const key = laneKey(lane);
    if (this.active.has(key)) {
      this.active.set(key, true);
      return;
    }
    const gate = this.gateOf(lane);
    if (gate.waiting.size < WAITING_MAX) gate.waiting.set(key, lane);
    this.advance(gate);
  }

  /** Begins nothing new, gives calls in flight a moment, then cuts them off; what is cut off is unknown and reconciled. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    const patience = setTimeout(() => this.stopping.abort(), STOP_MILLIS);
    while (this.active.size > 0) await pause(10);
    clearTimeout(patience);
  }

  private gateOf(lane: Lane): SenderGate {
    const key = senderKey(lane);
    let gate = this.gates.get(key);
    if (!gate) {
      if (this.gates.size >= WAITING_MAX) for (const [other, { idle }] of this.gates) if (idle) this.gates.delete(other);
      this.gates.set(key, (gate = new SenderGate(this.options.concurrency ?? 16)));
    }
    return gate;
  }

  private advance(gate: SenderGate): void {
    for (const [key, lane] of gate.waiting) {
      if (this.stopped || !gate.enter(Date.now())) return;
      gate.waiting.delete(key);
      void this.work(lane, gate);
    }
  }

  /** One delivery; a lane with more goes to the end of its sender's line. */
  private async work(lane: Lane, gate: SenderGate): Promise<void> {
    const key = laneKey(lane);
    this.active.set(key, false);
    let call: CallEnd | undefined;
    let more = false;
    try {
      const claim = await this.options.store.claim(lane);
      if (claim) {
        more = true;
        call = await this.deliver(claim);
      }
    } catch (error) {
      log.warn('lane not worked on, the sweeper brings it again', { channel: lane.channel, error });
    }
    const again = this.active.get(key)! || more;
    this.active.delete(key);
    gate.leave(call, Date.now());
    if (typeof call === 'object') this.later(call.pauseMillis, () => this.advance(gate));
    if (again) gate.waiting.set(key, lane);
    this.advance(gate);
  }

  /** The sweeper would wake its lanes as well, but only once a second. */
  private later(millis: number, act: () => void): void {
    if (this.stopped) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, Math.min(millis, DAY_MILLIS) + 1);
    this.timers.add(timer);
  }

  private async deliver(claimed: Claim): Promise<CallEnd | undefined> {
    const admitted = claimed.group_members?.phones.length && claimed.found ? await this.options.store.groups.admitted(claimed) : { told: [], claim: claimed };
    for (const row of admitted.told) void this.options.receipts.report(row);
    if ('claim' in admitted) return this.conclude(admitted.claim);
    const row = await this.settle({ ...failed(admitted.errorCode), deliveryId: claimed.delivery_id, attempt: claimed.attempt });
    if (row) void this.options.receipts.report(row);
    if (admitted.handedOn) this.wake(admitted.handedOn);
    return undefined;
  }

  private async conclude(claim: Claim): Promise<CallEnd | undefined> {
    const { call, senderFailed, wakeInMillis, ...end } = await (claim.state === 'sending' ? this.send(claim) : this.reconcile(claim)).catch((error: unknown) => {
      log.error('attempt ended in an error of ours', { delivery: claim.delivery_id, error });
      return this.unanswered(claim, 0);
    });
    const next = senderFailed && !claim.group ? await this.options.store.handOver(claim).catch((error: unknown) => log.warn('no other sender found', { delivery: claim.delivery_id, error })) : undefined;
    if (next) {
      log.info('another sender of the pool goes on', { delivery: claim.delivery_id });
      settled.add(1, { channel: claim.channel, state: 'handed_over' });
      this.wake(next);
      return call;
    }
    settled.add(1, { channel: claim.channel, state: end.state });
    if (claim.group && endStates.has(end.state)) {
      // Before its own: whoever dies in between does all of it again.
      for (const row of await this.insist(() => this.options.store.groups.ended({ claim, state: end.state, errorCode: end.errorCode ?? 0 }))) void this.options.receipts.report(row);
    }
    const row = await this.settle({ ...end, deliveryId: claim.delivery_id, attempt: claim.attempt, quietMillis: claim.quietMillis });
    if (row && end.leg) this.options.onMoved?.({ account: row.account, channel: row.channel, sender: row.sender, recipient: row.recipient });
    else if (row) void this.options.receipts.report(row);
    if (wakeInMillis !== undefined && this.timers.size < WAITING_MAX) this.later(wakeInMillis, () => this.wake(claim));
    return call;
  }

  private async send(stored: Claim): Promise<End> {
    if (!stored.found) return { state: 'cancelled' };
    // Who has read the beginning gets the rest the same way, or none.
    const legs = begun(stored) || stored.group ? [] : await this.legsOf(stored);
    const adapter = await this.adapterOf(stored);
    if (!adapter || !this.takesGroup(stored)) return failed(NOT_OUR_SENDER, true);
    const decided = await this.decide(stored, legs, adapter);
    if ('end' in decided) return decided.end;
    const { claim, delivery } = decided;
    const held = (await this.holdBack(claim)) ?? (await this.capped(claim));
    if (held) return held;
    try {
      const { complete = (_claim, _adapter, message) => Promise.resolve(message) } = this.options;
      const { providerMessageIds, recipient, status } = await adapter.send(await complete(claim, adapter, delivery), this.signal());
      if (recipient) this.options.store.noteNames(claim, recipient.alsoKnownAs).catch((error: unknown) => log.warn('names of a recipient not noted', { error }));
      return { ...taken(claim, providerMessageIds, status), call: 'fine' };
    } catch (error) {
      if (!(error instanceof SendError)) throw error;
      if (claim.daily_cap !== null && claim.sender_sid !== null && !error.ambiguous) await this.options.store.giveBackOfDay(claim.sender_sid);
      return this.afterFailure(claim, error, adapter, legs);
    }
  }

  /** The sender may have come to another carrier since it joined the group. */
  private takesGroup({ group, carrier, capabilities }: Claim): boolean {
    if (!group || group.length === 0) return true;
    const max = capabilities !== null && !capabilities.includes('group') ? 0 : (carrier && this.options.carriers.definition(carrier)?.groupRecipientsMax) || 0;
    return group.length < max;
  }

  private async legsOf(claim: Claim): Promise<readonly Leg[]> {
    if (claim.legs !== null) return claim.legs;
    const legs = legsOf(claim.routing, claim);
    if (legs.length > 0) await this.options.store.noteLegs(claim, legs);
    return legs;
  }

  /** What goes out now, or why nothing does. A carrier that is asked about a send is asked about the same words. */
  private async decide(stored: Claim, legs: readonly Leg[], adapter: ChannelAdapter): Promise<{ claim: Claim; delivery: Delivery } | { end: End }> {
    const claim = withTemplate(stored);
    if (!claim) return { end: goOn(legs, TEMPLATE_MISSING) ?? failed(TEMPLATE_MISSING) };
    const { nothing, ...forms } = await formsOf(claim, (messageSid) => this.options.store.idOf(claim, messageSid));
    const outgoing = { ...outgoingOf(claim, this.options.files), ...(claim.part ? {} : forms) };
    if (nothing) return { end: { state: 'cancelled' } };
    const decision = this.route(claim, outgoing, legs, adapter);
    if (decision.do === 'split') {
      const parts = decision.texts.length;
      const part = await this.options.store.noteParts(claim, decision.texts);
      return this.decide({ ...claim, part, parts_left: parts }, legs, adapter);
    }
    if (decision.do !== 'send') return { end: { ...endOf(decision, claim), ...(decision.do === 'fail' && decision.errorCode === refusals.region && { senderFailed: outsideSender(claim) }) } };
    if (outgoing.pending) return { end: { state: 'queued', dueInMillis: MEDIA_PAUSE_MILLIS } };
    const { text: body, files } = decision;
    return { claim, delivery: deliveryOf(claim, { ...outgoing, body, media: files === 'linked' ? [] : outgoing.media }) };
  }

  private route(claim: Claim, { body, media, bytes, rich }: Outgoing, legs: readonly Leg[], { limits }: ChannelAdapter): Decision {
    const { channel, sender, recipient } = claim;
    const ofTemplate = rich?.['kind'] === 'template';
    const optedOut = claim.opted_out || (claim.refuses_marketing && ofTemplate && rich['marketing'] === true);
    return route({
      now: Date.now(), channel, sender, recipient, policy: claim.routing, senderRegions: claim.policy?.regions, legs, text: body, author: authorOf(claim),
      audience: claim.audience ?? 1, files: media.map(({ url }, i) => ({ url, bytes: i === 0 ? bytes : 0 })),
      limits: { textCharsMax: limits.bodyCharsMax, filesMax: filesMaxOf(claim, limits), fileBytesMax: limits.mediaBytesMax },
      optedOut, expired: claim.expired, window: limits.replyWindow ? windowOf(claim) : 'none', kind: claim.part ? 'part' : ofTemplate ? 'template' : rich ? 'form' : 'text',
    });
  }

  /** Waits for its turn when that comes soon; otherwise the delivery, and its sender if that is the one in a hurry, wait without us. */
  private async holdBack(claim: Claim): Promise<End | undefined> {
    const { rate, carriers } = this.options;
    if (!rate) return undefined;
    const ofRecipient = claim.policy?.recipient_rate;
    const buckets = bucketsOf(claim, claim.rate, claim.carrier === null ? undefined : carriers.definition(claim.carrier), ofRecipient);
    const { waitMillis, bucket } = await rate.take(buckets);
    if (bucket !== undefined) {
      const ofSender = buckets[bucket]!.key === senderKey(claim);
      return {
        state: 'queued', dueInMillis: waitMillis, unbegun: true, ...(ofSender ? { call: { pauseMillis: waitMillis } } : waitMillis < SOON_MILLIS && { wakeInMillis: waitMillis }),
        ...(waitMillis > LONG_MILLIS && claim.sender_sid !== null && { waitsFor: 'rate', waitsBy: { rate: claim.rate, recipient_rate: ofRecipient ?? null } }),
      };
    }
    if (waitMillis <= 0) return undefined;
    try {
      await pause(waitMillis, undefined, { signal: this.stopping.signal });
      return undefined;
    } catch {
      return { state: 'queued', dueInMillis: 0, unbegun: true };
    }
  }

  /** With its cap of the day reached: by another sender of the pool, or tomorrow. */
  private async capped(claim: Claim): Promise<End | undefined> {
    const { sender_sid, daily_cap } = claim;
    if (sender_sid === null || daily_cap === null || (await this.options.store.takeOfDay(sender_sid, daily_cap))) return undefined;
    return { state: 'queued', dueInMillis: DAY_MILLIS - (Date.now() % DAY_MILLIS), waitsFor: 'daily_cap', waitsBy: daily_cap, unbegun: true, senderFailed: !begun(claim) };
  }

  private afterFailure(claim: Claim, error: SendError, adapter: ChannelAdapter, legs: readonly Leg[]): End {
    const { code, errorCode, carrierCode, retryAfterMillis } = error;
    log.info('attempt failed', { delivery: claim.delivery_id, attempt: claim.attempt, code, outcome: error.outcome, errorCode });
    if (code === 'authentication') log.error('a carrier does not take our credentials, its senders wait for others', { connection: claim.connection, sender: claim.sender, error });
    if (error.ambiguous) return { ...this.unanswered(claim, adapter.limits.lookupDelayMillis), carrierCode };
    const dueInMillis = pauseAfter(claim.attempt - claim.attempts_before, error, this.retries);
    const aboutOnePerson = code === 'recipient_rate_limited';
    const call = code === 'rate_limited' && retryAfterMillis ? { pauseMillis: retryAfterMillis } : error.retryable && !aboutOnePerson ? 'trouble' : 'fine';
    const senderFailed = code === 'invalid_sender' && !error.retryable && !begun(claim);
    if (dueInMillis !== undefined) return { state: 'queued', dueInMillis, errorCode, carrierCode, call };
    return { ...(goOn(legs, errorCode) ?? failed(errorCode, error.retryable)), carrierCode, call, senderFailed };
  }

  /** What became of a send that was never answered? */
  private async reconcile(claim: Claim): Promise<End> {
    const adapter = await this.adapterOf(claim);
    const orphan = this.orphan(claim, adapter?.limits.lookupDelayMillis ?? 0);
    if (orphan) return orphan;
    try {
      const known = adapter?.lookup && (await adapter.lookup(await this.asSent(claim, adapter), this.signal()));
      const ids = known && (await this.options.store.unclaimed(claim, known.providerMessageIds));
      if (ids && ids.length > 0) return { ...(claim.part ? taken(claim, ids) : { state: 'accepted' as const, providerMessageIds: ids }), call: 'fine' };
    } catch (error) {
      if (!(error instanceof SendError)) throw error;
      return this.unanswered(claim, adapter?.limits.lookupDelayMillis ?? 0);
    }
    log.info('the carrier does not know it', { delivery: claim.delivery_id, attempt: claim.attempt });
    if (!claim.found) return { state: 'cancelled' };
    const again = this.retries.unanswered === 'retry' && !claim.expired && claim.attempt - claim.attempts_before < this.retries.attemptsMax;
    return again ? { state: 'queued', dueInMillis: 0, call: 'fine' } : failed(UNKNOWN_ERROR, true);
  }

  /** Its carrier has as long to tell as after any other silence; the carrier did nothing to be spared for. */
  private orphan(claim: Claim, delayMillis: number): End | undefined {
    if (!claim.orphaned || claim.expired || delayMillis <= 0) return undefined;
    const { call: _, ...end } = this.unanswered(claim, delayMillis);
    return end;
  }

  /** The words of the attempt that was never answered, so far as nothing changed since: expired or opted out is no reason to ask for others. */
  private async asSent(claim: Claim, adapter: ChannelAdapter): Promise<Delivery> {
    const sendable = { ...claim, expired: false, opted_out: false, refuses_marketing: false };
    const decided = claim.found ? await this.decide(sendable, claim.legs ?? [], adapter) : undefined;
    return decided && 'delivery' in decided ? decided.delivery : deliveryOf(claim, outgoingOf(claim, this.options.files));
  }

  /** Asked again later, until the deadline. */
  private unanswered({ attempt, attempts_before, expired }: Claim, delayMillis: number): End {
    if (expired) return { ...failed(UNKNOWN_ERROR, true), call: 'trouble' };
    const dueInMillis = pauseAfter(attempt - attempts_before, { outcome: 'ambiguous', retryAfterMillis: delayMillis }, this.retries);
    return { state: 'unknown', dueInMillis: dueInMillis ?? this.retries.pauseMillisMax, call: 'trouble' };
  }

  private async adapterOf({ account, carrier, connection, version }: Claim): Promise<ChannelAdapter | undefined> {
    return carrier === null ? undefined : this.options.carriers.adapterFor({ account, carrier, connection, version });
  }

  private settle(settlement: Settlement) {
    return this.insist(() => this.options.store.settle(settlement));
  }

  /** For a while: an end that is not stored costs a question to the carrier later. */
  private async insist<T>(store: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await store();
      } catch (error) {
        if (attempt === SETTLE_ATTEMPTS) throw error;
        await pause(100 * 2 ** attempt);
      }
    }
  }

  private signal(): AbortSignal {
    return AbortSignal.any([AbortSignal.timeout(this.timeoutMillis), this.stopping.signal]);
  }
}

function windowOf({ window_opened_at, content }: Claim): 'open' | 'closed' {
  const openedAt = window_opened_at === null ? null : new Date(isoTime(window_opened_at));
  return planForWindow({ openedAt, now: new Date(), hasTemplate: content?.channels.whatsapp.template !== undefined }) === 'free' ? 'open' : 'closed';
}

const deliveryOf = ({ delivery_id, part, leg, conversation_sid, sender, recipient, first_attempt_at, group }: Claim, { body, media, rich, inReplyTo, automatic }: Outgoing): Delivery => ({
  deliveryId: part?.reference ?? delivery_id, ...(leg > 0 && { way: leg }), ...(conversation_sid !== '' && { conversationSid: conversation_sid }), sender, recipient, body, media, firstAttemptAt: isoTime(first_attempt_at),
  ...(group && group.length > 0 && { group }), ...(rich && { rich }), ...(inReplyTo !== undefined && { inReplyTo }),
  // What is sent outside any conversation answers a keyword.
  ...((automatic || conversation_sid === '') && { automatic: true }),
});
