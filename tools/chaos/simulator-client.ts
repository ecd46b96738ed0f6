/** The handsets of the built-in simulator, over its HTTP API (docs/simulator.md). */
import { basic, persistently, request } from './persistence.ts';

export type Behaviour = {
  outcome?: 'delivered' | 'read' | 'failed' | 'undelivered' | 'silent';
  delayMs?: number;
  twice?: boolean;
  outOfOrder?: boolean;
  hangMs?: number;
  rejectWith?: { status: number; code?: number; retryAfterSeconds?: number };
  acceptThenDrop?: boolean;
};

type Page = { count: number; messages: { ordinal: number; body: string; sends: number }[] };
const PAGE = 1000;
const PATIENCE_MILLIS = 60_000;

export class SimulatorClient {
  private readonly access: { simulatorUrl: string; accountSid: string; authToken: string };

  constructor(access: SimulatorClient['access']) {
    this.access = access;
  }

  async behave(address: string, behaviour: Behaviour): Promise<void> {
    await this.call(address, 'behaviour', { method: 'PUT', body: JSON.stringify(behaviour) });
  }

  async behaveAsUsual(address: string): Promise<void> {
    await this.call(address, 'behaviour', { method: 'DELETE' });
  }

  /** All it has received, in order. */
  async received(address: string): Promise<{ body: string; sends: number }[]> {
    const all: Page['messages'] = [];
    for (;;) {
      const { messages } = JSON.parse(await this.call(address, `messages?after=${all.at(-1)?.ordinal ?? 0}&limit=${PAGE}`, {})) as Page;
      all.push(...messages);
      if (messages.length < PAGE) return all.map(({ body, sends }) => ({ body, sends }));
    }
  }

  private call(address: string, path: string, init: RequestInit): Promise<string> {
    const headers = { Authorization: basic(this.access), ...(init.body !== undefined && { 'Content-Type': 'application/json' }) };
    return persistently(PATIENCE_MILLIS, () => request(`${this.access.simulatorUrl}/handsets/${encodeURIComponent(address)}/${path}`, { ...init, headers }));
  }
}
