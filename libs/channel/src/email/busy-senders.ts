/** Who writes faster than people do is a machine that says nothing of it: two of them answering each other would never end. */
import type { InboundEvent } from '../inbound-event.js';

const MAILS_MAX = 5;
const WINDOW_MILLIS = 60_000;
const SENDERS_MAX = 10_000;

export class BusySenders {
  /** When each last wrote, the newest senders last. */
  private readonly times = new Map<string, { at: number; id: string }[]>();

  /** The same events; from the sixth mail within a minute on as automatic ones, which are shown and never answered by a machine. */
  judge(events: InboundEvent[], now: number): InboundEvent[] {
    return events.map((event) => (event.kind === 'message' && this.isBusy(event.from.toLowerCase(), event.providerMessageId, now) ? { ...event, kind: 'auto_reply' } : event));
  }

  /** A mail that comes again because we had trouble with it was written once. */
  private isBusy(sender: string, id: string, now: number): boolean {
    const others = (this.times.get(sender) ?? []).filter((one) => now - one.at < WINDOW_MILLIS && one.id !== id);
    this.times.delete(sender);
    this.times.set(sender, [...others.slice(-MAILS_MAX), { at: now, id }]);
    if (this.times.size > SENDERS_MAX) this.times.delete(this.times.keys().next().value!);
    return others.length >= MAILS_MAX;
  }
}
