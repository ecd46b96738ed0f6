/** An HTTP server as a customer has one: remembers what it was told, answers as the spec says, checks every signature. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import twilio from 'twilio';

export type Told = { path: string; method: string; parameters: Record<string, string>; valid: boolean; token: string };

export class PlayedTarget {
  readonly told: Told[] = [];
  /** Default: 200 at once. `undefined`: never. */
  answer: (told: Told, response: ServerResponse) => void = (_told, response) => void response.end();
  private constructor(private readonly server: Server, readonly authToken: string) {}

  static async start(authToken: string): Promise<PlayedTarget> {
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString())).on('end', () => {
        const url = `http://${request.headers.host}${request.url}`;
        const form = Object.fromEntries(new URLSearchParams(body));
        const signature = request.headers['x-twilio-signature'] as string;
        const told = {
          path: new URL(url).pathname, method: request.method!, valid: twilio.validateRequest(target.authToken, signature, url, form),
          parameters: request.method === 'GET' ? Object.fromEntries(new URL(url).searchParams) : form,
          token: String(request.headers['i-twilio-idempotency-token']),
        };
        target.told.push(told);
        target.answer(told, response);
      });
    });
    const target = new PlayedTarget(server, authToken);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return target;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  at(path: string): Told[] {
    return this.told.filter((told) => told.path === path);
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
