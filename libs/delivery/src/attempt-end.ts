/** How an attempt to deliver ends: what is settled, and what follows for its sender and its lane. */
import { nextLeg, refusals, regionAllowed, type Decision, type Leg } from '@parley/domain/delivery/routing';
import type { Claim, Settlement } from './delivery-store.js';
import type { CallEnd } from './sender-gate.js';

/** Details of a settlement, and what the call says about the carrier; no call, no word. */
export type End = Omit<Settlement, 'deliveryId' | 'attempt'> & {
  call?: CallEnd;
  /** Another sender of the same messaging service may do what this one cannot. */
  senderFailed?: boolean;
  /** The lane's turn comes soon, in so many milliseconds. */
  wakeInMillis?: number;
};

export const failed = (errorCode: number, deadLetter = false): End => ({ state: 'failed', errorCode, deadLetter });

/** A carrier has it; of a long text, this part of it. */
export function taken({ part, parts_left }: Claim, providerMessageIds: string[], status: 'accepted' | 'sent' = 'accepted'): End {
  if (!part) return { state: status, providerMessageIds, segments: providerMessageIds.length > 1 };
  return { state: parts_left === 1 ? status : 'queued', dueInMillis: 0, providerMessageIds, segments: true, part: part.reference };
}

/** Another sender of the pool may write there; nobody may where the policy of the conversation says no. */
export const outsideSender = ({ policy, routing, recipient, part }: Claim): boolean =>
  !regionAllowed(policy?.regions && { allow: policy.regions }, recipient) && regionAllowed(routing.regions, recipient) && !(part !== null && part.place > 0);

/** A carrier has the beginning of a long text. */
export const begun = ({ part }: Claim): boolean => part !== null && part.place > 0;

const moved = (leg: Leg, rest: Leg[], errorCode: number): End => ({ state: 'queued', leg, legs: rest, errorCode, dueInMillis: 0 });
export function goOn(legs: readonly Leg[], errorCode: number): End | undefined {
  const next = nextLeg(legs, errorCode);
  return next && moved(next.leg, next.rest, errorCode);
}

export function endOf(decision: Exclude<Decision, { do: 'send' | 'split' }>, { routing }: Claim): End {
  switch (decision.do) {
    case 'wait': {
      const millis = Math.max(0, decision.until - Date.now());
      return { state: 'queued', dueInMillis: millis, waitsFor: 'quiet_hours', waitsBy: routing.quiet_hours!, unbegun: true };
    }
    case 'next': return moved(decision.leg, decision.rest, decision.errorCode);
    case 'fail': return failed(decision.errorCode, decision.errorCode === refusals.expired);
  }
}
