/**
 * Inactivity timers. Stored as the durations that were asked for and the deadlines that follow; a message moves the
 * deadlines without a fact of its own: they are always last activity plus duration.
 */
import type { ConversationState, Timers } from './events.js';

const duration = /^P(?!$)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const millisOf = [604_800_000, 86_400_000, 3_600_000, 60_000, 1000];

/** Milliseconds of an ISO 8601 duration in weeks, days, hours, minutes and seconds; undefined when it is none. */
export function durationMillis(text: string): number | undefined {
  const parts = duration.exec(text)?.slice(1);
  return parts?.reduce((sum, part, i) => sum + Number(part ?? 0) * millisOf[i]!, 0);
}

/** The deadlines of these timers for an activity at `from`; an empty duration removes its timer. */
export function deadlines({ inactive, closed }: Timers, from: string): Timers {
  const start = Date.parse(from);
  const at = (text: string) => new Date(start + (durationMillis(text) ?? 0)).toISOString();
  return {
    ...(inactive && { inactive, dateInactive: at(inactive) }),
    ...(closed && { closed, dateClosed: at(closed) }),
  };
}

/** What deadlines were counted from; undefined when there are none. */
export function startOf({ inactive, closed, dateInactive, dateClosed }: Timers): string | undefined {
  if (inactive && dateInactive) return new Date(Date.parse(dateInactive) - (durationMillis(inactive) ?? 0)).toISOString();
  if (closed && dateClosed) return new Date(Date.parse(dateClosed) - (durationMillis(closed) ?? 0)).toISOString();
  return undefined;
}

/**
 * When a conversation in this state becomes inactive and closed by its timers, in milliseconds; Infinity: never. Both count
 * from the same moment: the last activity, or when the timers were set or the conversation became active, if that is later.
 */
export function timerDeadlines(state: ConversationState, { inactive, closed }: Timers, from: number): { inactive: number; closed: number } {
  const at = (duration: string | undefined) => (duration ? from + (durationMillis(duration) ?? Infinity) : Infinity);
  return {
    inactive: state === 'active' ? at(inactive) : Infinity,
    closed: state === 'active' || state === 'inactive' ? at(closed) : Infinity,
  };
}
