/**
 * Deliveries that are several messages at the carrier, of which some went: the next attempt goes on behind them. In this
 * process alone; after a restart the person may get the first ones again.
 */
const HALF_SENT_MAX = 1000;

export class HalfSent {
  private readonly idsOf = new Map<string, string[]>();

  /** Sends what is left, one after the other; all ids, in order. Throws what `send` throws. */
  async goOn<Message>(deliveryId: string, messages: readonly Message[], send: (message: Message, i: number) => Promise<string>): Promise<string[]> {
    const ids = this.idsOf.get(deliveryId) ?? [];
    for (const [i, message] of messages.entries()) {
      if (i < ids.length) continue;
      ids.push(await send(message, i));
      if (messages.length > 1) this.remember(deliveryId, ids);
    }
    this.idsOf.delete(deliveryId);
    return ids;
  }

  private remember(deliveryId: string, ids: string[]): void {
    if (this.idsOf.size >= HALF_SENT_MAX) this.idsOf.delete(this.idsOf.keys().next().value!);
    this.idsOf.set(deliveryId, ids);
  }
}
