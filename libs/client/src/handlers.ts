/** The application's handlers by name. A handler that fails harms nobody else; its failure is told, or thrown where it is seen. */
import { ClosedError, HandlerError, type ParleyError } from './errors.js';

export type Handler<Payload> = (payload: Payload) => unknown;
type Payloads = { error: ParleyError };

export class Handlers<Events extends Payloads> {
  private readonly byName = new Map<keyof Events, Set<Handler<never>>>();

  /** Answers with what takes it off again. */
  on<Name extends keyof Events>(name: Name, handler: Handler<Events[Name]>): () => void {
    const own: Handler<never> = (payload: Events[Name]) => handler(payload); // the same function twice is called twice
    const set = this.byName.get(name);
    if (set) set.add(own);
    else this.byName.set(name, new Set([own]));
    return () => void this.byName.get(name)?.delete(own);
  }

  /** Undefined when all are done at once; the promise never rejects. */
  call<Name extends keyof Events>(name: Name, payload: Events[Name]): Promise<void> | undefined {
    const set = this.byName.get(name);
    if (!set || set.size === 0) return undefined;
    const going: Promise<unknown>[] = [];
    for (const handler of [...set]) {
      try {
        const result = (handler as Handler<Events[Name]>)(payload);
        if (isPromise(result)) going.push(result.catch((error: unknown) => this.failed(name, error)));
      } catch (error) {
        this.failed(name, error);
      }
    }
    return going.length === 0 ? undefined : Promise.all(going).then(() => {});
  }

  private failed(name: keyof Events, cause: unknown): void {
    if (cause instanceof ClosedError) return; // it was waiting for something when the client was closed, which `closed` tells
    const error = new HandlerError(`a handler of ${String(name)} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    if (name === 'error' || !this.byName.get('error')?.size) queueMicrotask(() => { throw error; });
    else void this.call('error', error as Events['error']);
  }
}

const isPromise = (value: unknown): value is Promise<unknown> => typeof (value as Promise<unknown> | undefined)?.then === 'function';
