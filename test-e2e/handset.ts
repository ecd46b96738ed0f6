/** A person outside the chat: a handset at the built-in simulator that receives, writes and behaves as it is told. */
import { type Caller, persistently } from './caller.js';

export type Behaviour = {
  outcome?: 'delivered' | 'read';
  delayMs?: number;
  twice?: boolean;
  outOfOrder?: boolean;
  hangMs?: number;
  acceptThenDrop?: boolean;
  times?: number;
};
export type Received = { sid: string; body: string; sends: number };
/** What it wrote, try by try: a try without an answer may have been taken or not. */
export type Text = { body: string; answered: boolean };

export class Handset {
  readonly texts: Text[] = [];
  /** What becomes of a message in the end. */
  outcome: 'delivered' | 'read' = 'delivered';
  private readonly url: string;

  constructor(private readonly caller: Caller, readonly address: string, readonly proxy: string, readonly participant: string) {
    this.url = handsetUrl(caller, address);
  }

  /** Until it was answered; each try has words of its own, because the simulator takes every one for a new text. */
  async write(body: string): Promise<void> {
    let tries = 0;
    await persistently(async () => {
      const text: Text = { body: `${body}, try ${++tries}`, answered: false };
      this.texts.push(text);
      await this.demand('POST', '/messages', { to: this.proxy, body: text.body });
      text.answered = true;
    });
  }

  /** All it received, in order. */
  async received(): Promise<Received[]> {
    return (JSON.parse(await this.demand('GET', '/messages?limit=10000')) as { messages: Received[] }).messages;
  }

  async behave(behaviour: Behaviour): Promise<void> {
    this.outcome = behaviour.outcome ?? 'delivered';
    await this.demand('PUT', '/behaviour', behaviour);
  }

  private demand(method: string, path: string, body?: object): Promise<string> {
    return demand(this.caller, method, this.url + path, body);
  }
}

/** Of everything that one of our senders sends. `undefined`: as usual again. */
export async function behaviourOfSender(caller: Caller, proxy: string, behaviour: Behaviour | undefined): Promise<void> {
  await demand(caller, behaviour ? 'PUT' : 'DELETE', `${handsetUrl(caller, proxy)}/behaviour`, behaviour);
}

export const handsetUrl = ({ places }: Caller, address: string): string => `${places.simulatorUrl}/handsets/${encodeURIComponent(address)}`;

async function demand(caller: Caller, method: string, url: string, body?: object): Promise<string> {
  const { status, text } = await caller.call(method, url, body && JSON.stringify(body));
  if (status >= 300) throw new Error(`${method} ${url}: ${status} ${text}`);
  return text;
}
