/** One account's HTTP calls to REST and to the simulator, as itself or as somebody else would make them. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Credentials } from './installation.js';

export type Places = { restUrl: string; wsUrl: string; simulatorUrl: string; webhookUrl: string };
export type Fields = Record<string, string>;
export type Answer = { status: number; text: string; headers: Headers };

const ANSWER_MILLIS = 30_000;
/** No fault of a test lasts longer. */
const PATIENCE_MILLIS = 180_000;
const AGAIN_MILLIS = 50;

export const basic = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

class Refused extends Error {
  override name = 'Refused';
  constructor(readonly status: number, about: string) {
    super(about);
  }
}

export class Caller {
  readonly authorization: string;

  constructor(readonly credentials: Credentials, readonly places: Places) {
    this.authorization = basic(credentials.accountSid, credentials.authToken);
  }

  /** Whatever the answer is. `body`: a form at REST, JSON at the simulator's handsets. Throws when there is none. */
  async call(method: string, url: string, body?: Fields | string, headers: Fields = {}): Promise<Answer> {
    const response = await fetch(url.startsWith('/') ? this.places.restUrl + url : url, {
      method, signal: AbortSignal.timeout(ANSWER_MILLIS),
      headers: { Authorization: this.authorization, ...(typeof body === 'string' && { 'Content-Type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : new URLSearchParams(body) }),
    });
    return { status: response.status, text: await response.text(), headers: response.headers };
  }

  async get<T>(url: string): Promise<T> {
    return parsed<T>('GET', url, await this.call('GET', url));
  }

  async post<T>(url: string, fields: Fields, headers?: Fields): Promise<T> {
    return parsed<T>('POST', url, await this.call('POST', url, fields, headers));
  }

  async delete(url: string): Promise<void> {
    parsed('DELETE', url, await this.call('DELETE', url));
  }

  /** All of a list, page by page. `key` is the name of the list in the answer. */
  async all<T>(path: string, key: string): Promise<T[]> {
    const found: T[] = [];
    for (let url: string | null = `${path}${path.includes('?') ? '&' : '?'}PageSize=100`; url !== null; ) {
      const page: Record<string, unknown> & { meta: { next_page_url: string | null } } = await this.get(url);
      found.push(...(page[key] as T[]));
      url = page.meta.next_page_url;
    }
    return found;
  }
}

/** Again and again through whatever may pass, as a good client does. Throws what will not change, and after three minutes everything. */
export async function persistently<T>(attempt: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + PATIENCE_MILLIS; ; await pause(AGAIN_MILLIS)) {
    try {
      return await attempt();
    } catch (error) {
      const forGood = error instanceof Refused && error.status < 500 && error.status !== 429;
      if (forGood || Date.now() > end) throw error;
    }
  }
}

function parsed<T>(method: string, url: string, { status, text }: Answer): T {
  if (status >= 300) throw new Refused(status, `${method} ${url}: ${status} ${text.slice(0, 300)}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}
