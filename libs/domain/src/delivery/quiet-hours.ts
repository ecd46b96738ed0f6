/**
 * Hours in which people are left alone, by the clock of one place. Days on which that clock is put forward or back are
 * shorter or longer; what the clock shows decides, so an end that is skipped is the moment the clock jumps over it.
 */
export type QuietHours = {
  /** `HH:MM`; an end before the start is on the next day. */
  start: string;
  end: string;
  /** IANA: `America/New_York`. */
  time_zone: string;
  /** Without it: all. */
  channels?: readonly string[];
};

const DAY_MINUTES = 1440;
const MINUTE = 60_000;
/** Clocks are only ever moved at a quarter of an hour. */
const QUARTER = 15 * MINUTE;
/** No clock is ever moved by more than this. */
const SHIFT_MINUTES_MAX = 180;

export function isTimeZone(name: string): boolean {
  try {
    return clockOf(name) !== undefined;
  } catch {
    return false;
  }
}

/** Milliseconds since 1970, a whole minute; undefined: not quiet now. */
export function quietUntil(hours: QuietHours | undefined, channel: string, now: number): number | undefined {
  if (!hours || !concern(hours, channel) || !isQuiet(hours, now)) return undefined;
  const minute = Math.floor(now / MINUTE);
  const left = (minutesOf(hours.end) - localMinute(hours, now) + DAY_MINUTES) % DAY_MINUTES;
  // Looked for from before the usual end on: never later than the clock says, never earlier.
  let end = Math.max(minute, minute + left - SHIFT_MINUTES_MAX);
  while (isQuiet(hours, end * MINUTE)) end++;
  return end * MINUTE;
}

/** How much of the time between two moments is quiet. All in milliseconds, the moments since 1970; costs a microsecond per quarter of an hour. */
export function quietMillis(hours: QuietHours | undefined, channel: string, from: number, to: number): number {
  if (!hours || !concern(hours, channel)) return 0;
  const [start, end] = [minutesOf(hours.start), minutesOf(hours.end)];
  const quiet = start <= end ? [[start, end] as const] : [[0, end] as const, [start, DAY_MINUTES] as const];
  let minutes = 0;
  for (let at = from, next: number; at < to; at = next) {
    next = Math.min(to, (Math.floor(at / QUARTER) + 1) * QUARTER);
    const first = localMinute(hours, at) + (at % MINUTE) / MINUTE;
    const last = first + (next - at) / MINUTE;
    for (const [begins, ends] of quiet) minutes += Math.max(0, Math.min(last, ends) - Math.max(first, begins));
  }
  return Math.round(minutes * MINUTE);
}

const concern = ({ channels }: QuietHours, channel: string): boolean => !channels || channels.includes(channel);

function isQuiet(hours: QuietHours, at: number): boolean {
  const [start, end, now] = [minutesOf(hours.start), minutesOf(hours.end), localMinute(hours, at)];
  return start <= end ? start <= now && now < end : start <= now || now < end;
}

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

const clocks = new Map<string, Intl.DateTimeFormat>();
/** Throws RangeError when there is no such place. */
function clockOf(timeZone: string): Intl.DateTimeFormat {
  let clock = clocks.get(timeZone);
  if (!clock) clocks.set(timeZone, (clock = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })));
  return clock;
}
const localMinute = ({ time_zone }: QuietHours, at: number): number => minutesOf(clockOf(time_zone).format(at));
