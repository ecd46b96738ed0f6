/// <reference types="jest" />
/** A carrier's HTTP API on a real socket: what arrived there, and the answers the conformance suite asks for. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CarrierAnswer } from './conformance.testing.js';

export type Posted = { url: string; headers: IncomingHttpHeaders; body: Buffer };
export type Written = { status: number; headers?: Record<string, string>; body: string };

export class PlayedServer {
  answer: CarrierAnswer = 'accept';
  /** What was taken, also what was never answered. */
  received: Posted[] = [];
  throttle: Written = { status: 429, headers: { 'retry-after': '2' }, body: '{}' };
  refuse: Written = { status: 400, body: '{"message":"no"}' };
  /** Was free a moment ago: nobody listens there. */
  nowhereUrl = '';
  private readonly server = createServer();

  /** `list`: how it answers a GET, for a lookup; without it a GET is as good as a POST. */
  constructor(accept: (posted: Posted) => Written | Promise<Written>, list?: () => Written) {
    this.server.on('request', async (request, response) => {
      const chunks: Buffer[] | undefined = await request.toArray().catch(() => undefined);
      // Whoever gave up in the middle of asking hears no answer.
      if (!chunks) return undefined;
      const write = ({ status, headers, body }: Written) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
      if (request.method === 'GET' && list) return write(list());
      switch (this.answer) {
        case 'hang': return undefined;
        case 'throttle': return write(this.throttle);
        case 'refuse': return write(this.refuse);
        case 'break': return write({ status: 503, body: '<html>' });
      }
      const posted = { url: request.url!, headers: request.headers, body: Buffer.concat(chunks) };
      this.received.push(posted);
      const accepted = await accept(posted);
      return this.answer === 'drop' ? response.destroy() : write(accepted);
    });
  }

  get url(): string { return urlOf(this.server); }

  async listen(): Promise<void> {
    const nowhere = createServer();
    for (const server of [this.server, nowhere]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.nowhereUrl = urlOf(nowhere);
    await new Promise((resolve) => nowhere.close(resolve));
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

const urlOf = (server: ReturnType<typeof createServer>) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
