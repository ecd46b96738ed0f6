/**
 * What became of the parts of messages that did not go through at once: a message that is sent again sends the missing parts
 * only, with the reference of the first time, so that the handset still joins them. In memory alone: another process knows
 * nothing of it (docs/channels/smpp.md).
 */
import { SendError } from '../../send-error.js';

export type Submission = {
  /** Of the concatenation: the same for all parts and all attempts. */
  reference: number;
  /** The message centre's ids, part by part. */
  ids: Array<string | undefined>;
  /** Answers that nobody waits for, on connections that are still open. */
  awaited: number;
  /** How often it was refused with which status. */
  refusals: Map<number, number>;
  lastAt: number;
};

const SUBMISSIONS_MAX = 10_000;
/** An answer that has not come by then will not. */
const LATE_MILLIS = 60_000;

export class Submissions {
  private readonly open = new Map<string, Submission>();
  private reference = Math.floor(Math.random() * 0x1_0000);

  of(deliveryId: string, parts: number): Submission {
    const known = this.open.get(deliveryId);
    if (known?.ids.length === parts) {
      known.lastAt = Date.now();
      return known;
    }
    this.reference = (this.reference + 1) & 0xffff;
    const made = { reference: this.reference, ids: new Array<string | undefined>(parts).fill(undefined), awaited: 0, refusals: new Map(), lastAt: Date.now() };
    this.open.set(deliveryId, made);
    if (this.open.size > SUBMISSIONS_MAX) this.open.delete(this.open.keys().next().value!);
    return made;
  }

  forget(deliveryId: string): void {
    this.open.delete(deliveryId);
  }

  /** The ids, when all answers came after all. Throws SendError `no_answer` while they still may. */
  late(deliveryId: string): string[] | undefined {
    const known = this.open.get(deliveryId);
    if (!known) return undefined;
    if (known.ids.every((id) => id !== undefined)) return known.ids as string[];
    if (known.awaited > 0 && Date.now() - known.lastAt < LATE_MILLIS) throw new SendError('no_answer', 'ambiguous');
    return undefined;
  }
}
