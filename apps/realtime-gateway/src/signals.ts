/**
 * What is told between instances and kept nowhere: that somebody types, that somebody came or went. By NATS; what is lost
 * while NATS is away is not missed for long.
 */
import type { Connection } from '@parley/messaging/connection';
import { logger } from '@parley/telemetry/logger';

const TYPING = 'client.typing';
const REACHABILITY = 'client.reachability';
const log = logger('client-sdk');
export type Typing = { conversation: string; identity: string };
export type Reachability = { service: string; identity: string };

export class Signals {
  private readonly ends: (() => void)[] = [];

  constructor(private readonly nats: Pick<Connection, 'nats'>) {}

  onTyping(listener: (typing: Typing) => void): void { this.listen(TYPING, listener); }
  onReachability(listener: (who: Reachability) => void): void { this.listen(REACHABILITY, listener); }
  typing(typing: Typing): void { this.tell(TYPING, typing); }
  reachability(who: Reachability): void { this.tell(REACHABILITY, who); }

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
