/// <reference types="jest" />
/** A carrier of texts played for the conformance suite: each says how it writes its answers and signs its webhooks. */
import { newSid } from '@parley/domain/sid';
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { CarrierConnection } from './carrier-definition.js';
import type { ChannelAdapter, Delivery, RawWebhook } from './channel-adapter.js';
import type { PlayedCarrier } from './conformance.testing.js';
import { PlayedServer, type Written } from './played-server.testing.js';

export type PlayedRequest = { url: string; headers: IncomingHttpHeaders; body: string };

/** Signed over the address of the connection's webhooks where the carrier does that. */
type Webhooks = { [Kind in 'message' | 'status']: (fields: Parameters<PlayedCarrier[Kind]>[0], webhookUrl: string) => RawWebhook };

export type CarrierScript = Pick<PlayedCarrier, 'forged' | 'words'> & Webhooks & {
  addresses: Pick<Delivery, 'sender' | 'recipient'>;
  open(baseUrl: string): ChannelAdapter;
  /** Our reference in a request to send. */
  referenceIn(request: PlayedRequest): string;
  /** `id`: of the message, for carriers that give random ones. */
  accept(request: PlayedRequest, id: string): Written;
  throttle?: Written;
  refuse: Written;
  /** How it lists what it has, for a lookup. */
  list?(ids: readonly string[], taken: readonly PlayedRequest[]): Written;
};

export const playedUrl = 'https://parley.example.test';
export const playedConnection = <C, S>(credentials: C, settings: S): CarrierConnection<C, S> => {
  const sid = `CX${'0'.repeat(32)}`;
  return { sid, account: newSid('AC'), credentials, settings, publicUrl: playedUrl, webhookUrl: `${playedUrl}/webhooks/played/${sid}` };
};

export class PlayedHttpCarrier {
  /** What was sent, as it came. */
  readonly taken: PlayedRequest[] = [];
  /** The ids it has given them. */
  readonly ids: string[] = [];
  private readonly server: PlayedServer;

  constructor(private readonly script: CarrierScript) {
    const { list } = script;
    this.server = new PlayedServer(({ body, ...head }) => {
      const request = { ...head, body: body.toString() };
      const id = randomUUID();
      this.taken.push(request);
      this.ids.push(id);
      return script.accept(request, id);
    }, list && (() => list(this.ids, this.taken)));
    this.server.refuse = script.refuse;
    if (script.throttle) this.server.throttle = script.throttle;
  }

  get url(): string { return this.server.url; }
  listen(): Promise<void> { return this.server.listen(); }
  close(): Promise<void> { return this.server.close(); }

  /** `webhookUrl`: of the connection that is played with. */
  play(webhookUrl = playedConnection({}, {}).webhookUrl): PlayedCarrier {
    const { addresses, open, referenceIn, forged, words } = this.script;
    this.taken.length = 0;
    this.ids.length = 0;
    this.server.answer = 'accept';
    const [live, dead] = [open(this.server.url), open(this.server.nowhereUrl)];
    const played: PlayedCarrier = {
      adapter: live, forged, words,
      message: (fields) => this.script.message(fields, webhookUrl), status: (fields) => this.script.status(fields, webhookUrl),
      delivery: { deliveryId: newSid('DY'), ...addresses, body: 'hello', media: [], firstAttemptAt: new Date().toISOString() },
      answerWith: (answer) => {
        this.server.answer = answer;
        played.adapter = answer === 'unreachable' ? dead : live;
      },
      references: () => this.taken.map(referenceIn),
    };
    return played;
  }
}
