/** REST for what is not measured: setting up conversations, looking at results. A refusal throws with the answer's text. */
import type { TokenSource } from './access-token.ts';

export type Access = TokenSource & { restUrl: string; wsUrl: string; clientWsUrl: string; webhookUrl: string; authToken: string };

export class RestClient {
  private readonly access: Access;
  private readonly headers: Record<string, string>;

  constructor(access: Access) {
    this.access = access;
    this.headers = { Authorization: `Basic ${Buffer.from(`${access.accountSid}:${access.authToken}`).toString('base64')}` };
  }

  get<T>(path: string): Promise<T> {
    return this.request<T>(path, {});
  }

  post<T>(path: string, form: Record<string, string> | [name: string, value: string][]): Promise<T> {
    return this.request<T>(path, { method: 'POST', body: new URLSearchParams(form) });
  }

  postJson<T>(path: string, body: object): Promise<T> {
    return this.request<T>(path, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
  }

  private async request<T>(path: string, init: RequestInit): Promise<T> {
    const response = await fetch(`${this.access.restUrl}${path}`, { ...init, headers: { ...this.headers, ...(init.headers as Record<string, string> | undefined) }, signal: AbortSignal.timeout(30_000) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return JSON.parse(text) as T;
  }
}

/** Does `work` for 0..count-1, a few at a time, results in order. */
export async function inParallel<T>(count: number, atOnce: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = new Array<T>(count);
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
  return results;
}
