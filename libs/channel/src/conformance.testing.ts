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

type PlayedSends = {
  adapter: ChannelAdapter;
  answerWith(answer: CarrierAnswer): void;
  /** Whether a request hangs there; to be said where giving up before one has left is another outcome than giving up after. */
  hangs?(): boolean;
  delivery: Delivery;
};

export type PlayedCarrier = PlayedSends & {
  /** What arrived: our reference, and whether it was the same for all requests of one delivery. */
  references(): string[];
  /** Signed as the carrier signs. */
  message(fields: { id: string; text: string }): RawWebhook;
  status(fields: { id: string; status: string; deliveryId?: string; extra?: Record<string, string> }): RawWebhook;
  /** The same with a signature that is not the carrier's. */
  forged(webhook: RawWebhook): RawWebhook;
  /** How this carrier spells them; null: once it has a message it never reports that. */
  words: { sent: string; delivered: string; failed: string | null };
};

/** A carrier that is listened to instead. */
export type PlayedSession = PlayedSends & {
  /** What was left hanging is answered now. */
  answerLate(): void;
  /** What came out of the adapter so far; the played inbox refuses to store while `refuses`. */
  inbox: { events: InboundEvent[]; refuses: boolean };
  /** A person writes: resolves with what the carrier was told. The same fields again are the same message, delivered again. */
  message(fields: { text: string }): Promise<'taken' | 'later'>;
  status(fields: { id: string; status: string }): Promise<'taken' | 'later'>;
  /** Ends the session from the carrier's side; resolves once there is another. */
  interrupt(): Promise<void>;
  /** Sessions there are. */
  sessions(): number | Promise<number>;
  words: { sent: string; delivered: string; failed: string };
};

export function conformsToTheChannelPort(name: string, play: () => Promise<PlayedCarrier> | PlayedCarrier): void {
  describe(`${name} conforms to the channel port`, () => {
    let carrier: PlayedCarrier;
    beforeEach(async () => { carrier = await play(); });

    sendsAsPromised(() => carrier);

    const parse = async (webhook: RawWebhook) => carrier.adapter.parseWebhook(webhook);
    const statusOf = (events: InboundEvent[]) => (events as DeliveryReceipt[]).map(({ status }) => status);

    describe('a send', () => {
      it('carries our reference every time', async () => {
        carrier.answerWith('accept');
        for (let i = 0; i < 2; i++) await carrier.adapter.send(carrier.delivery, AbortSignal.timeout(30_000));
        expect(carrier.references()).toEqual([carrier.delivery.deliveryId, carrier.delivery.deliveryId]);
      });
      it('can be looked up afterwards', async () => {
        if (!carrier.adapter.lookup) return;
        expect(await carrier.adapter.lookup(carrier.delivery, AbortSignal.timeout(30_000))).toBeUndefined();
        await failureOf(carrier, 'drop');
        const known = await carrier.adapter.lookup(carrier.delivery, AbortSignal.timeout(30_000));
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
        expect(event).toMatchObject({ kind: 'status', providerMessageId: expect.stringContaining('SMunknown') as string });
        expect(event).not.toHaveProperty('deliveryId');
      });
      it('may carry fields and statuses nobody knows yet', async () => {
        const extra = { NeverSeenBefore: 'x', '': 'empty name' };
        expect(await parse(carrier.status({ id: 'SM1', status: carrier.words.sent, extra }))).toHaveLength(1);
        // The last two are names that every object of the language has.
        for (const status of ['teleported', 'constructor', '__proto__']) expect(await parse(carrier.status({ id: 'SM1', status }))).toEqual([]);
      });
    });
  });
}

export function sessionConformsToTheChannelPort(name: string, play: () => Promise<PlayedSession>): void {
  describe(`${name} conforms to the channel port`, () => {
    let carrier: PlayedSession;
    beforeEach(async () => { carrier = await play(); });

    sendsAsPromised(() => carrier);

    it('a send that is answered late is found by a lookup, one that was never heard of is not', async () => {
      if (!carrier.adapter.lookup) return;
      const lookup = () => carrier.adapter.lookup!(carrier.delivery, AbortSignal.timeout(30_000));
      expect(await lookup()).toBeUndefined();
      await failureOf(carrier, 'hang');
      carrier.answerLate();
      const known = await eventually(() => lookup().catch(() => undefined));
      expect(known.providerMessageIds.length).toBeGreaterThan(0);
    });
    it('takes no webhooks: whoever sends one is not the carrier', async () => {
      const webhook = { method: 'POST', url: 'https://parley.example.test/webhooks', headers: {}, body: Buffer.from('{}') };
      await expect((async () => carrier.adapter.parseWebhook(webhook))()).rejects.toThrow(InvalidSignature);
    });

    describe('what comes', () => {
      const keys = () => carrier.inbox.events.map(eventKeyOf);

      it('is acknowledged once it is stored, and only then', async () => {
        carrier.inbox.refuses = true;
        expect(await carrier.message({ text: 'hi' })).toBe('later');
        carrier.inbox.refuses = false;
        expect(await carrier.message({ text: 'hi' })).toBe('taken');
        expect(carrier.inbox.events).toMatchObject([{ kind: 'message', text: 'hi', from: carrier.delivery.recipient, to: carrier.delivery.sender }]);
      });
      it('twice is the same event, another message is not', async () => {
        for (const text of ['hi', 'hi', 'ho']) await carrier.message({ text });
        const [first, again, other] = keys();
        expect(again).toBe(first);
        expect(other).not.toBe(first);
      });
      it('as a status is an event of its own each time, in whatever order they come', async () => {
        const { words } = carrier;
        for (const status of [words.delivered, words.sent, words.delivered, words.failed]) await carrier.status({ id: '4711', status });
        expect(carrier.inbox.events).toMatchObject([/^delivered$/, /^sent$/, /^delivered$/, /^(failed|undelivered)$/].map((status) => ({ kind: 'status', status: expect.stringMatching(status) as string })));
        expect(new Set(keys()).size).toBe(3);
      });
      it('about a message we do not know is handed on all the same, in a state that nobody knows it is left', async () => {
        expect(await carrier.status({ id: 'neverseen', status: carrier.words.sent })).toBe('taken');
        expect(await carrier.status({ id: 'neverseen', status: 'TELEPORT' })).toBe('taken');
        expect(carrier.inbox.events.filter(({ kind }) => kind === 'status')).toMatchObject([{ providerMessageId: expect.stringContaining('neverseen') }]);
      });
      it('goes on coming after the session was lost, and not after it was closed', async () => {
        await carrier.interrupt();
        expect(await carrier.message({ text: 'hi' })).toBe('taken');
        await carrier.adapter.close!();
        await eventually(async () => (await carrier.sessions()) === 0);
        await expect(carrier.adapter.send(carrier.delivery, AbortSignal.timeout(1_000))).rejects.toThrow(SendError);
      });
    });
  });
}

/** What holds for every send, however it travels. */
function sendsAsPromised(played: () => PlayedSends): void {
  describe('a send', () => {
    const failure = (answer: CarrierAnswer) => failureOf(played(), answer);

    it('ends with the ids of the carrier', async () => {
      const { adapter, delivery, answerWith } = played();
      answerWith('accept');
      const { providerMessageIds } = await adapter.send(delivery, AbortSignal.timeout(30_000));
      expect(providerMessageIds.length).toBeGreaterThan(0);
    });
    it('is worth another try when throttled or not connected at all', async () => {
      expect(await failure('throttle')).toMatchObject({ outcome: 'retryable', code: 'rate_limited' });
      expect(await failure('unreachable')).toMatchObject({ outcome: 'retryable', code: 'unreachable' });
    });
    it('keeps the pause the carrier asks for', async () => {
      expect((await failure('throttle')).retryAfterMillis).toBeGreaterThan(0);
    });
    it('is hopeless when refused, with the code for the receipt and the carrier\'s own', async () => {
      const error = await failure('refuse');
      expect(error.outcome).toBe('permanent');
      expect(error.errorCode).toBeGreaterThan(0);
      expect(error.carrierCode).toMatch(/\S/);
    });
    it('is ambiguous when the carrier may have it: broken, hanging, dropped', async () => {
      expect((await failure('break')).outcome).toBe('ambiguous');
      expect((await failure('hang')).outcome).toBe('ambiguous');
      expect((await failure('drop')).outcome).toBe('ambiguous');
    });
  });
}

/** Who is left hanging gives up after a tenth of a second, but not before the carrier has it. */
async function failureOf(carrier: PlayedSends, answer: CarrierAnswer): Promise<SendError> {
  carrier.answerWith(answer);
  const patience = new AbortController();
  const sent = carrier.adapter.send(carrier.delivery, answer === 'hang' ? patience.signal : AbortSignal.timeout(30_000)).then(() => undefined, (thrown) => thrown);
  if (answer === 'hang') {
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    if (carrier.hangs) await eventually(() => carrier.hangs!());
    patience.abort(new DOMException('no answer in time', 'TimeoutError'));
  }
  const error: unknown = await sent;
  expect(error).toBeInstanceOf(SendError);
  return error as SendError;
}

async function eventually<T>(look: () => T | Promise<T>, millis = 30_000): Promise<NonNullable<T>> {
  for (const end = Date.now() + millis; ; ) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error('it never came');
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}
