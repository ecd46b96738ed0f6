/// <reference types="jest" />
/**
 * What every adapter must do, whatever its carrier: each adapter's spec calls this with a way to play the carrier. Payloads
 * as the carrier really sends them are a table beside each adapter; what the database does with events is tested there.
 */
import type { ChannelAdapter, Delivery, RawWebhook } from './channel-adapter.js';
import { eventKeyOf, type DeliveryReceipt, type InboundEvent } from './inbound-event.js';
import { InvalidSignature, SendError } from './send-error.js';

/** How the played carrier answers the next request. `hang`: never. `drop`: takes it, then closes the connection. */
export type CarrierAnswer = 'accept' | 'throttle' | 'refuse' | 'break' | 'hang' | 'drop' | 'unreachable';

export type PlayedCarrier = {
  adapter: ChannelAdapter;
  answerWith(answer: CarrierAnswer): void;
  /** What arrived: our reference, and whether it was the same for all requests of one delivery. */
  references(): string[];
  delivery: Delivery;
  /** Signed as the carrier signs. */
  message(fields: { id: string; text: string }): RawWebhook;
  status(fields: { id: string; status: string; deliveryId?: string; extra?: Record<string, string> }): RawWebhook;
  /** The same with a signature that is not the carrier's. */
  forged(webhook: RawWebhook): RawWebhook;
  /** How this carrier spells them; null: once it has a message it never reports that. */
  words: { sent: string; delivered: string; failed: string | null };
};

export function conformsToTheChannelPort(name: string, play: () => Promise<PlayedCarrier> | PlayedCarrier): void {
  describe(`${name} conforms to the channel port`, () => {
    let carrier: PlayedCarrier;
    beforeEach(async () => { carrier = await play(); });

    const send = (signal = AbortSignal.timeout(5_000)) => carrier.adapter.send(carrier.delivery, signal);
    const failure = async (answer: CarrierAnswer, millis = 5_000) => {
      carrier.answerWith(answer);
      const error: unknown = await send(AbortSignal.timeout(millis)).then(() => undefined, (thrown) => thrown);
      expect(error).toBeInstanceOf(SendError);
      return error as SendError;
    };
    const parse = async (webhook: RawWebhook) => carrier.adapter.parseWebhook(webhook);
    const statusOf = (events: InboundEvent[]) => (events as DeliveryReceipt[]).map(({ status }) => status);

    describe('a send', () => {
      it('ends with the ids of the carrier and carries our reference every time', async () => {
        carrier.answerWith('accept');
        const { providerMessageIds } = await send();
        await send();
        expect(providerMessageIds.length).toBeGreaterThan(0);
        expect(carrier.references()).toEqual([carrier.delivery.deliveryId, carrier.delivery.deliveryId]);
      });
      it('is worth another try when throttled or not connected at all', async () => {
        expect(await failure('throttle')).toMatchObject({ outcome: 'retryable', code: 'rate_limited' });
        expect(await failure('unreachable')).toMatchObject({ outcome: 'retryable', code: 'unreachable' });
      });
      it('keeps the pause the carrier asks for', async () => {
        expect((await failure('throttle')).retryAfterMillis).toBeGreaterThan(0);
      });
      it('is hopeless when refused, with the code for the receipt', async () => {
        const error = await failure('refuse');
        expect(error.outcome).toBe('permanent');
        expect(error.errorCode).toBeGreaterThan(0);
      });
      it('is ambiguous when the carrier may have it: broken, hanging, dropped', async () => {
        expect((await failure('break')).outcome).toBe('ambiguous');
        expect((await failure('hang', 100)).outcome).toBe('ambiguous');
        expect((await failure('drop')).outcome).toBe('ambiguous');
      });
      it('can be looked up afterwards', async () => {
        if (!carrier.adapter.lookup) return;
        expect(await carrier.adapter.lookup(carrier.delivery, AbortSignal.timeout(5_000))).toBeUndefined();
        await failure('drop');
        const known = await carrier.adapter.lookup(carrier.delivery, AbortSignal.timeout(5_000));
        expect(known?.providerMessageIds.length).toBeGreaterThan(0);
      });
    });

    describe('a webhook', () => {
      it('with a wrong signature is refused', async () => {
        await expect(parse(carrier.forged(carrier.message({ id: 'SM1', text: 'hi' })))).rejects.toThrow(InvalidSignature);
        await expect(parse({ ...carrier.message({ id: 'SM1', text: 'hi' }), headers: {} })).rejects.toThrow(InvalidSignature);
      });
      it('that comes twice is the same event, another message is not', async () => {
        const [first] = await parse(carrier.message({ id: 'SM1', text: 'hi' }));
        const [again] = await parse(carrier.message({ id: 'SM1', text: 'hi' }));
        const [other] = await parse(carrier.message({ id: 'SM2', text: 'hi' }));
        expect(eventKeyOf(again!)).toBe(eventKeyOf(first!));
        expect(eventKeyOf(other!)).not.toBe(eventKeyOf(first!));
      });
      it('reports each status as an event of its own, in whatever order they come', async () => {
        const { words } = carrier;
        const told = (['delivered', 'sent', 'delivered', 'failed'] as const).filter((word) => words[word] !== null);
        const reports = await Promise.all(told.map((word) => parse(carrier.status({ id: 'SM1', status: words[word]! }))));
        expect(reports.map(statusOf)).toEqual(told.map((word) => [word]));
        expect(new Set(reports.map(([event]) => eventKeyOf(event!))).size).toBe(told.length - 1);
      });
      it('hands back our reference', async () => {
        const { deliveryId } = carrier.delivery;
        expect(await parse(carrier.status({ id: 'SM1', status: carrier.words.sent, deliveryId }))).toMatchObject([{ deliveryId }]);
      });
      it('about a message we do not know, or with a reference that is none, is parsed all the same', async () => {
        const [event] = await parse(carrier.status({ id: 'SMunknown', status: carrier.words.sent, deliveryId: 'nonsense' }));
        expect(event).toMatchObject({ kind: 'status', providerMessageId: 'SMunknown' });
        expect(event).not.toHaveProperty('deliveryId');
      });
      it('may carry fields and statuses nobody knows yet', async () => {
        const extra = { NeverSeenBefore: 'x', '': 'empty name' };
        expect(await parse(carrier.status({ id: 'SM1', status: carrier.words.sent, extra }))).toHaveLength(1);
        expect(await parse(carrier.status({ id: 'SM1', status: 'teleported' }))).toEqual([]);
      });
    });
  });
}
