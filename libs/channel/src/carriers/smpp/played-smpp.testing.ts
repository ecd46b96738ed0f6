/// <reference types="jest" />
/** An SMPP carrier played on a real socket, for the conformance suite and the adapter's specs. */
import { newSid } from '@parley/domain/sid';
import { setTimeout as pause } from 'node:timers/promises';
import type { CarrierConnection } from '../../carrier-definition.js';
import type { Delivery } from '../../channel-adapter.js';
import type { CarrierAnswer, PlayedSession } from '../../conformance.testing.js';
import type { InboundEvent } from '../../inbound-event.js';
import type { SendError } from '../../send-error.js';
import { SmppAdapter } from './adapter.js';
import { Status } from './command-status.js';
import { smpp, type SmppCredentials, type SmppSettings } from './definition.js';
import { MessageCentre, type SubmitAnswer } from './message-centre.testing.js';

export const credentials: SmppCredentials = { systemId: 'parley', password: 'secret' };
export const settingsOf = (settings: Partial<SmppSettings> & { port: number }): SmppSettings => smpp.settings.parse({ host: '127.0.0.1', ...settings });

export function connectionTo(port: number, settings: Partial<SmppSettings> = {}): CarrierConnection<SmppCredentials, SmppSettings> {
  return {
    sid: `CX${'0'.repeat(32)}`, account: `AC${'0'.repeat(32)}`, credentials, settings: settingsOf({ port, ...settings }),
    publicUrl: 'https://parley.example.test', webhookUrl: 'https://parley.example.test/webhooks/smpp',
  };
}

export const aDelivery = (fields: Partial<Delivery> = {}): Delivery => ({
  deliveryId: newSid('DY'), sender: '+15550100001', recipient: '+15550100002', body: 'hello', media: [], firstAttemptAt: new Date().toISOString(), ...fields,
});

export const soon = (): AbortSignal => AbortSignal.timeout(30_000);
export const failureOf = (sent: Promise<unknown>): Promise<SendError> =>
  sent.then(() => { throw new Error('it went through'); }, (error: SendError) => error);

export async function until(look: () => unknown, millis = 30_000): Promise<void> {
  for (const end = Date.now() + millis; !look(); await pause(2)) if (Date.now() > end) throw new Error('it never came');
}

const timing = { reconnectMillis: [1, 20] as const, responseMillis: 10_000 };
const answers: Record<Exclude<CarrierAnswer, 'unreachable'>, SubmitAnswer> = {
  accept: 'accept', throttle: Status.throttled, refuse: Status.invalidDestination, break: 'garbage', hang: 'hang', drop: 'drop',
};

export class PlayedSmpp {
  readonly inbox: PlayedSession['inbox'] = { events: [], refuses: false };
  readonly opened: SmppAdapter[] = [];

  constructor(readonly centre: MessageCentre) {}

  /** Listening, bound. */
  async adapter(settings: Partial<SmppSettings> = {}, faster: ConstructorParameters<typeof SmppAdapter>[1] = {}): Promise<SmppAdapter> {
    const before = this.centre.binds.length;
    const adapter = new SmppAdapter(connectionTo(this.centre.port, settings), { ...timing, ...faster });
    this.opened.push(adapter);
    await adapter.listen({ receive: async (events: InboundEvent[]) => {
      if (this.inbox.refuses) throw new Error('the database is away');
      this.inbox.events.push(...events);
    } });
    await until(() => this.centre.binds.length > before);
    return adapter;
  }

  async play(): Promise<PlayedSession> {
    const { centre } = this;
    const live = await this.adapter();
    const dead = new SmppAdapter(connectionTo(await freePort()), timing);
    this.opened.push(dead);
    const delivery = aDelivery();
    const told = (status: number) => (status === Status.ok ? 'taken' : 'later');
    const played: PlayedSession = {
      adapter: live, delivery, inbox: this.inbox,
      answerWith: (answer) => {
        if (answer !== 'unreachable') centre.answer = () => answers[answer];
        played.adapter = answer === 'unreachable' ? dead : live;
      },
      hangs: () => centre.hanging > 0,
      answerLate: () => centre.answerHanging(),
      message: async ({ text }) => told(await centre.deliver({ shortMessage: Buffer.from(text) })),
      status: async ({ id, status }) => told(await centre.receipt({ messageId: id, fields: { source: '15550100001', sourceTon: 1, destination: '15550100002', destinationTon: 1 } as never }, status)),
      interrupt: async () => {
        const before = centre.binds.length;
        centre.dropAll();
        await until(() => centre.binds.length > before && centre.sessions > 0);
      },
      sessions: () => centre.sessions,
      words: { sent: 'ACCEPTD', delivered: 'DELIVRD', failed: 'REJECTD' },
    };
    return played;
  }

  async close(): Promise<void> {
    await Promise.all(this.opened.splice(0).map((adapter) => adapter.close()));
    await this.centre.close();
  }
}

/** Was free a moment ago: nobody listens there. */
export async function freePort(): Promise<number> {
  const centre = await new MessageCentre().listen();
  const { port } = centre;
  await centre.close();
  return port;
}
