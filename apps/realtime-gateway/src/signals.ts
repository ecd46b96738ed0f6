/**
 * What is told between instances and kept nowhere: that somebody types, that somebody came or went. By NATS; what is lost
 * while NATS is away is not missed for long.
 */
import { TYPING_SIGNAL, type TypingSignal } from '@parley/contracts/signals';
import { LruMap } from '@parley/event-store/lru-map';
import type { Connection } from '@parley/messaging/connection';
import type { Scope, Somebody } from '@parley/runtime/presence';
import { logger } from '@parley/telemetry/logger';

const REACHABILITY = 'client.reachability';
/** A client shows for this long that somebody types, unless told again. */
export const TYPING_SHOWN_SECONDS = 6;
/** Told again sooner, it is told nobody. */
const TYPING_AGAIN_MILLIS = 2_000;
const TYPING_KNOWN_MAX = 20_000;
const log = logger('signals');
export type Typing = TypingSignal;
type Reachability = Scope & { identities: readonly string[] };

export class Signals {
  private readonly ends: (() => void)[] = [];
  /** When somebody was last told to type somewhere. */
  private readonly typed = new LruMap<string, number>(TYPING_KNOWN_MAX);

  constructor(private readonly nats: Pick<Connection, 'nats'>) {}

  onTyping(listener: (typing: Typing) => void): void { this.listen(TYPING_SIGNAL, listener); }
  onReachability(listener: (who: Somebody) => void): void {
    this.listen<Reachability>(REACHABILITY, ({ identities, ...scope }) => { for (const identity of identities) listener({ ...scope, identity }); });
  }
  /** These came or went: at most 1,000, so that it fits into one message. */
  reachability(scope: Scope, identities: readonly string[]): void { this.tell(REACHABILITY, { ...scope, identities } satisfies Reachability); }

  /** Whoever has it from a client: a client that says it all the time tells no more. */
  typing({ conversation, identity }: Typing): void {
    const key = `${conversation} ${identity}`;
    const now = Date.now();
    if (now - (this.typed.get(key) ?? 0) < TYPING_AGAIN_MILLIS) return;
    this.typed.set(key, now);
    this.tell(TYPING_SIGNAL, { conversation, identity });
  }

  close(): void { for (const end of this.ends) end(); }

  private listen<Signal>(subject: string, listener: (signal: Signal) => void): void {
    const subscription = this.nats.nats.subscribe(subject, {
      callback: (error, message) => {
        if (error) return;
        try {
          listener(message.json<Signal>());
        } catch (cause) {
          log.warn('a signal is not understood', { subject, error: cause });
        }
      },
    });
    this.ends.push(() => subscription.unsubscribe());
  }

  private tell(subject: string, signal: object): void {
    try {
      this.nats.nats.publish(subject, JSON.stringify(signal));
    } catch (error) {
      log.debug('a signal is not told', { subject, error });
    }
  }
}
