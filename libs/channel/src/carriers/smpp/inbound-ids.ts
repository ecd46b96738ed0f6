/**
 * Ids for inbound messages, which SMPP gives none: the same octets between the same two numbers within a short time are the
 * same message delivered again, and the same text tomorrow is another one (channel facts, 1.6).
 */
import { createHash } from 'node:crypto';
import { octetsOf, type Delivered } from './inbound.js';
import { Tag } from './commands.js';

const REMEMBERED_MAX = 50_000;

export class InboundIds {
  private readonly recent = new Map<string, { id: string; until: number }>();

  /** `vendorTag`: where this message centre says an id of its own. */
  constructor(private readonly windowMillis: number, private readonly vendorTag?: number, private readonly now: () => number = Date.now) {}

  idOf(pdu: Delivered): string {
    const said = this.vendorTag === undefined ? undefined : pdu.parameters.get(this.vendorTag);
    if (said && said.length > 0) return `v-${createHash('sha256').update(said).digest('hex').slice(0, 32)}`;
    const now = this.now();
    const hash = hashOf(pdu);
    const known = this.recent.get(hash);
    if (known && now < known.until) return known.id;
    // By the clock, so that another process that gets the repetition mostly comes to the same id.
    const id = `h-${hash}-${this.windowMillis > 0 ? Math.floor(now / this.windowMillis).toString(36) : `${now.toString(36)}${Math.random().toString(36).slice(2, 8)}`}`;
    if (this.windowMillis === 0) return id;
    this.recent.delete(hash);
    this.recent.set(hash, { id, until: now + this.windowMillis });
    for (const [old, { until }] of this.recent) {
      if (until > now && this.recent.size <= REMEMBERED_MAX) break;
      this.recent.delete(old);
    }
    return id;
  }
}

function hashOf(pdu: Delivered): string {
  const { fields, parameters } = pdu;
  const hash = createHash('sha256').update(`${fields.source}\0${fields.destination}\0${fields.dataCoding}\0${fields.esmClass}\0`).update(octetsOf(pdu));
  for (const tag of [Tag.sarReference, Tag.sarTotal, Tag.sarNumber, Tag.userMessageReference]) {
    const value = parameters.get(tag);
    if (value) hash.update(`\0${tag}\0`).update(value);
  }
  return hash.digest('hex').slice(0, 32);
}
