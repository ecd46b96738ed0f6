/// <reference types="jest" />
/** A carrier's HTTP API played on a real socket, for the conformance suite: each carrier says how it writes its answers. */
import { newSid } from '@parley/domain/sid';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CarrierConnection } from './carrier-definition.js';
import type { ChannelAdapter, Delivery, RawWebhook } from './channel-adapter.js';
import type { CarrierAnswer, PlayedCarrier } from './conformance.testing.js';

export type PlayedRequest = { url: string; headers: IncomingHttpHeaders; body: string };
type Written = { status: number; headers?: Record<string, string>; body: string };

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
  list?(ids: readonly string[]): Written;
};

const busy: Written = { status: 429, headers: { 'retry-after': '2' }, body: '{}' };

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
  private readonly server = createServer();
  /** Was free a moment ago: nobody listens there. */
  private readonly nowhere = createServer();
  private nowhereUrl = '';
  private answer: CarrierAnswer = 'accept';

  constructor(private readonly script: CarrierScript) {
    this.server.on('request', async (incoming, response) => {
      const chunks: Buffer[] = await incoming.toArray();
      const request = { url: incoming.url!, headers: incoming.headers, body: Buffer.concat(chunks).toString() };
      const write = ({ status, headers, body }: Written) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
      if (incoming.method === 'GET' && script.list) return write(script.list(this.ids));
      switch (this.answer) {
        case 'hang': return undefined;
        case 'throttle': return write(script.throttle ?? busy);
        case 'refuse': return write(script.refuse);
        case 'break': return write({ status: 503, body: '<html>' });
      }
      const id = randomUUID();
      this.taken.push(request);
      this.ids.push(id);
      return this.answer === 'drop' ? response.destroy() : write(script.accept(request, id));
    });
  }

  get url(): string { return urlOf(this.server); }

  async listen(): Promise<void> {
    for (const server of [this.server, this.nowhere])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.nowhereUrl = urlOf(this.nowhere);
    await new Promise((resolve) => this.nowhere.close(resolve));
  }
  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  /** `webhookUrl`: of the connection that is played with. */
  play(webhookUrl = playedConnection({}, {}).webhookUrl): PlayedCarrier {
    const { addresses, open, referenceIn, forged, words } = this.script;
    this.taken.length = 0;
    this.ids.length = 0;
    this.answer = 'accept';
    const [live, dead] = [open(this.url), open(this.nowhereUrl)];
    const played: PlayedCarrier = {
      adapter: live, forged, words,
      message: (fields) => this.script.message(fields, webhookUrl), status: (fields) => this.script.status(fields, webhookUrl),
      delivery: { deliveryId: newSid('DY'), ...addresses, body: 'hello', media: [], firstAttemptAt: new Date().toISOString() },
      answerWith: (answer) => {
        this.answer = answer;
        played.adapter = answer === 'unreachable' ? dead : live;
      },
      references: () => this.taken.map(referenceIn),
    };
    return played;
  }
}

const urlOf = (server: ReturnType<typeof createServer>) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
