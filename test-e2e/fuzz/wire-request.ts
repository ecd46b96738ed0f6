/** A generated request on the wire: references filled in, sent over kept connections, and as a curl command to send it again. */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import type { GeneratedRequest } from './generated-request.js';
import type { Stock } from './prepared-accounts.js';

export type WireRequest = { method: string; path: string; headers: Record<string, string>; body: Buffer | undefined };
export type Received = { status: number; headers: IncomingHttpHeaders; text: string; millis: number };

/** A SID of the kind that nobody has, for what could not be made. */
const nobodys = (kind: string): string => (/^[A-Z]{2}$/.test(kind) ? kind : 'XX') + '0'.repeat(32);

export function onTheWire({ method, path, query, headers, body, set }: GeneratedRequest, stock: Stock): WireRequest {
  const filled = (text: string): string => text.replaceAll(/~(mine|theirs|strangers|spare)\.(\w*)~/g, (_, whose: keyof Stock, kind: string) => {
    const things = stock[whose];
    return things[set % things.length]![kind] || nobodys(kind);
  });
  return {
    method, path: filled(query ? `${path}?${query}` : path),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, filled(value)])),
    body: body === undefined ? undefined : Buffer.from(typeof body === 'string' ? filled(body) : body),
  };
}

export class Wire {
  private readonly agent: Agent;

  constructor(private readonly url: string, private readonly deadlineMillis: number, connections: number) {
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  close(): void {
    this.agent.destroy();
  }

  /** A kept connection that the server closes just then is no answer: once more. Throws when there is none in time. */
  send(request: WireRequest): Promise<Received> {
    return this.sendOnce(request).catch((error: Error) => (error.name === 'TimeoutError' ? Promise.reject(error) : this.sendOnce(request)));
  }

  private sendOnce({ method, path, headers, body }: WireRequest): Promise<Received> {
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const measured = body !== undefined && headers['transfer-encoding'] === undefined && { 'content-length': body.length };
      const request = httpRequest(this.url, { path, method, agent: this.agent, headers: { ...headers, ...measured } });
      const late = setTimeout(() => {
        const error = Object.assign(new Error(`no answer within ${this.deadlineMillis} ms`), { name: 'TimeoutError' });
        request.destroy(error);
        reject(error);
      }, this.deadlineMillis);
      request.on('response', (response) => {
        const received = (text: string): Received => ({ status: response.statusCode!, headers: response.headers, text, millis: performance.now() - began });
        // No body follows. One does where the head was too large to be read up to its verb: Node's client would take that for a fault.
        if (method === 'HEAD') resolve(received(''));
        textOf(response).then((text) => resolve(received(text)), reject).finally(() => clearTimeout(late));
      });
      request.on('error', (error) => {
        clearTimeout(late);
        reject(error);
      });
      request.end(body);
    });
  }
}

const CURL_CHARS_MAX = 4000;
const quoted = (text: string): string => (/^[\w./:@=,+-]+$/.test(text) ? text : /^[\x20-\x7e]*$/.test(text) ? `'${text.replaceAll("'", String.raw`'\''`)}'` : `$'${escaped(Buffer.from(text, 'latin1'))}'`);
const escaped = (bytes: Buffer): string => [...bytes].map((byte) => (byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`)).join('');

/** For a shell. A body with bytes that no argument can hold comes from printf. */
export function curlCommand(url: string, { method, path, headers, body }: WireRequest): string {
  const plain = body !== undefined && /^[\x20-\x7e]*$/.test(body.toString('latin1')) ? quoted(body.toString('latin1')) : undefined;
  const content = body === undefined ? '' : plain === undefined ? ' --data-binary @-' : ` --data-raw ${plain}`;
  const command = `curl -i --path-as-is -g -X ${method} ${Object.entries(headers).map(([name, value]) => `-H ${quoted(value === '' ? `${name};` : `${name}: ${value}`)} `).join('')}${quoted(url + path)}${content}`;
  const whole = content === ' --data-binary @-' ? `printf '${escaped(body!).replaceAll('%', '%%')}' | ${command}` : command;
  return whole.length > CURL_CHARS_MAX ? `${whole.slice(0, CURL_CHARS_MAX)}… (${whole.length} characters)` : whole;
}
