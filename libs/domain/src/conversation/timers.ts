/**
 * Inactivity timers. Stored as the durations that were asked for and the deadlines that follow; a message moves the
 * deadlines without a fact of its own: they are always last activity plus duration.
 */
import type { Timers } from './events.js';

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
