/**
 * Questions to the server and their answers. What was not answered when a line broke is asked again on the next one, in the same
 * order and under the same idempotency key, so it is done once.
 */
import { ParleyError, RefusedError, TimeoutError, type ClosedError } from './errors.js';
import { FRAME_BYTES_MAX, type ClientFrame, type Method, type ServerFrame } from './frames.js';
import type { RequestOptions } from './options.js';

type Question = Extract<ClientFrame, { type: 'request' | 'read' }>;
/** How far the member has read, and how many messages are behind it. */
export type ReadState = { index: number | null; unread: number | null };
type AnswerFrame = Extract<ServerFrame, { type: 'response' | 'read' }>;
type Asked = { frame: Question; resolve: (answer: AnswerFrame) => void; reject: (error: Error) => void; timer: ReturnType<typeof setTimeout> };

/** Below what the server takes (16): what it answers a moment later than we think must not count twice. */
const IN_FLIGHT_MAX = 12;
const TIMEOUT_MILLIS = 30_000;

export class Requests {
  private waiting: Asked[] = [];
  private readonly sent = new Map<number, Asked>();
  private up = false;

  constructor(private readonly nextId: () => number, private readonly send: (frame: ClientFrame) => void) {}

  async request(method: Method, path: string, { body, idempotencyKey, timeoutMillis }: RequestOptions): Promise<unknown> {
    const key = idempotencyKey ?? (method === 'GET' ? undefined : newKey());
    const frame: Question = { type: 'request', id: this.nextId(), method, path, ...(body && { body }), ...(key !== undefined && { idempotency_key: key }) };
    return resultOf(await this.ask(frame, timeoutMillis) as Extract<AnswerFrame, { type: 'response' }>);
  }

  async read(conversation: string, index: number): Promise<ReadState> {
    const { index: now, unread } = await this.ask({ type: 'read', id: this.nextId(), conversation, index }) as Extract<AnswerFrame, { type: 'read' }>;
    return { index: now, unread };
  }

  /** A new connection: what was asked on the one before is asked again, first. */
  connected(): void {
    this.up = true;
    this.waiting = [...this.sent.values(), ...this.waiting];
    this.sent.clear();
    this.flush();
  }

  disconnected(): void {
    this.up = false;
  }

  answered(frame: AnswerFrame): void {
    this.take(frame.id)?.resolve(frame);
    this.flush();
  }

  /** False: it was no question of ours. */
  refused(id: number | undefined, error: RefusedError): boolean {
    const asked = id === undefined ? undefined : this.take(id);
    asked?.reject(error);
    this.flush();
    return asked !== undefined;
  }

  close(error: ClosedError): void {
    this.up = false;
    for (const { frame } of [...this.sent.values(), ...this.waiting]) this.take(frame.id)?.reject(error);
  }

  private ask(frame: Question, timeoutMillis = TIMEOUT_MILLIS): Promise<AnswerFrame> {
    if (new TextEncoder().encode(JSON.stringify(frame)).length > FRAME_BYTES_MAX)
      return Promise.reject(new ParleyError(`a request is at most ${FRAME_BYTES_MAX} bytes: files go by HTTP`));
    return new Promise((resolve, reject) => {
      const asked: Asked = {
        frame, resolve, reject, timer: setTimeout(() => {
          this.take(frame.id);
          reject(new TimeoutError(`no answer within ${timeoutMillis} ms`));
          this.flush();
        }, timeoutMillis),
      };
      this.waiting.push(asked);
      this.flush();
    });
  }

  private flush(): void {
    while (this.up && this.sent.size < IN_FLIGHT_MAX) {
      const next = this.waiting.shift();
      if (!next) return;
      this.sent.set(next.frame.id, next);
      this.send(next.frame);
    }
  }

  private take(id: number): Asked | undefined {
    const asked = this.sent.get(id) ?? this.waiting.find(({ frame }) => frame.id === id);
    if (!asked) return undefined;
    this.sent.delete(id);
    this.waiting = this.waiting.filter((each) => each !== asked);
    clearTimeout(asked.timer);
    return asked;
  }
}

/** Throws RefusedError for a status from 400 on. */
function resultOf({ status, body, retry_after }: Extract<AnswerFrame, { type: 'response' }>): unknown {
  if (status < 400) return body;
  const { code = 0, message = `refused with status ${status}`, details } = (body ?? {}) as { code?: number; message?: string; details?: Record<string, unknown> };
  throw new RefusedError(code, message, status, details, retry_after);
}

/** Not `randomUUID`: pages that came without TLS do not have it. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
