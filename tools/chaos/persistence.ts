/** How clients go on through faults: the same request again, with growing pauses, until it is answered or time is up. */
import { setTimeout as pause } from 'node:timers/promises';

const FIRST_PAUSE_MILLIS = 25;
const PAUSE_MILLIS_MAX = 1000;

/** An answer that trying again will not change. */
export class Refused extends Error {
  override name = 'Refused';
}

/** Throws Refused at once, anything else when it went on for that long. */
export async function persistently<T>(millis: number, attempt: () => Promise<T>): Promise<T> {
  const until = Date.now() + millis;
  for (let wait = FIRST_PAUSE_MILLIS; ; wait = Math.min(wait * 2, PAUSE_MILLIS_MAX)) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Refused || Date.now() + wait > until) throw error;
      await pause(wait);
    }
  }
}

const MAY_PASS = new Set([408, 409, 425, 429]);
const REQUEST_MILLIS = 10_000;

/** The body of a 2xx. Throws Refused for what the client did wrong, Error for what may pass. */
export async function request(url: string, init: RequestInit): Promise<string> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_MILLIS) });
  const text = await response.text();
  if (response.ok) return text;
  const message = `${init.method ?? 'GET'} ${url}: ${response.status} ${text.slice(0, 200)}`;
  throw response.status < 500 && !MAY_PASS.has(response.status) ? new Refused(message) : new Error(message);
}

export const basic = ({ accountSid, authToken }: { accountSid: string; authToken: string }): string =>
  `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
