/** Who writes faster than people do is a machine that says nothing of it: two of them answering each other would never end. */
import type { InboundEvent } from '../inbound-event.js';

const MAILS_MAX = 5;
const WINDOW_MILLIS = 60_000;
const SENDERS_MAX = 10_000;

export class BusySenders {
  /** When each last wrote, the newest senders last. */
  private readonly times = new Map<string, number[]>();

  /** The same events; from the sixth mail within a minute on as automatic ones, which are shown and never answered by a machine. */
  judge(events: InboundEvent[], now: number): InboundEvent[] {
    return events.map((event) => (event.kind === 'message' && this.isBusy(event.from.toLowerCase(), now) ? { ...event, kind: 'auto_reply' } : event));
  }

  private isBusy(sender: string, now: number): boolean {
    const recent = (this.times.get(sender) ?? []).filter((time) => now - time < WINDOW_MILLIS);
    this.times.delete(sender);
    this.times.set(sender, [...recent.slice(-MAILS_MAX), now]);
    if (this.times.size > SENDERS_MAX) this.times.delete(this.times.keys().next().value!);
    return recent.length >= MAILS_MAX;
  }
}
