/** A carrier's mail API played on a real socket: what was posted, and the answers the conformance suite asks for. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CarrierAnswer } from '../conformance.testing.js';

export type Posted = { url: string; headers: IncomingHttpHeaders; body: Buffer };

export class PlayedMailApi {
  answer: CarrierAnswer = 'accept';
  /** What `refuse` says. */
  refusal: { status: number; body: string; headers?: Record<string, string> } = { status: 400, body: '{"message":"no"}' };
  received: Posted[] = [];
  /** Was free a moment ago: nobody listens there. */
  nowhereUrl = '';
  private readonly server;

  constructor(accept: (response: ServerResponse, posted: Posted) => void) {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (this.answer === 'hang') return undefined;
        if (this.answer === 'throttle') return response.writeHead(429, { 'retry-after': '2' }).end('{}');
        if (this.answer === 'refuse') return response.writeHead(this.refusal.status, this.refusal.headers).end(this.refusal.body);
        if (this.answer === 'break') return response.writeHead(503).end('<html>');
        const posted = { url: request.url!, headers: request.headers, body: Buffer.concat(chunks) };
        this.received.push(posted);
        return this.answer === 'drop' ? response.destroy() : accept(response, posted);
      });
    });
  }

  get url(): string {
    return urlOf(this.server);
  }

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
