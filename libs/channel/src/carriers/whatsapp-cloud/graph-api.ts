/** Requests to the Graph API, with our token; every failure is a SendError that says what it means for the message. */
import { SendError } from '../../send-error.js';
import { refusal } from './errors.js';

/** Errors of fetch before a single byte of the request left: nobody can have got it. */
const neverConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);
/** Hosts that files were found at; few, but nobody promises which. */
const ORIGINS_MAX = 100;

export class GraphApi {
  private readonly authorization: Record<string, string>;
  /** Where the API said that files are: there, and nowhere else, they are fetched with our token. */
  private readonly mediaOrigins = new Set<string>();

  constructor(private readonly baseUrl: string, private readonly version: string, accessToken: string) {
    this.authorization = { authorization: `Bearer ${accessToken}` };
  }

  post(path: string, body: object, signal: AbortSignal): Promise<unknown> {
    return this.request(this.urlOf(path), { method: 'POST', body: JSON.stringify(body), signal, headers: { 'content-type': 'application/json' } });
  }

  /** The id of the file. A failure leaves nothing sent, so it is never ambiguous. */
  async upload(path: string, form: FormData, signal: AbortSignal): Promise<string> {
    const answer = await this.request(this.urlOf(path), { method: 'POST', body: form, signal }).catch((error: unknown) => {
      throw error instanceof SendError && error.ambiguous ? new SendError('unreachable', 'retryable', { errorCode: 63019, cause: error }) : error;
    });
    const { id } = answer as { id?: unknown };
    if (typeof id !== 'string') throw new SendError('unreachable', 'retryable', { errorCode: 63019 });
    return id;
  }

  async resolveMedia(url: string, signal: AbortSignal): Promise<string> {
    if (new URL(url).origin !== new URL(this.baseUrl).origin) return url;
    const answer = (await this.request(url, { signal })) as { url?: unknown };
    if (typeof answer.url !== 'string' || !URL.canParse(answer.url)) throw new SendError('rejected', 'retryable', { errorCode: 63019 });
    if (this.mediaOrigins.size < ORIGINS_MAX) this.mediaOrigins.add(new URL(answer.url).origin);
    return answer.url;
  }

  mediaHeaders(url: string): Record<string, string> {
    return this.mediaOrigins.has(new URL(url).origin) ? this.authorization : {};
  }

  private urlOf(path: string): string {
    return `${this.baseUrl}/${this.version}/${path}`;
  }

  private async request(url: string, init: RequestInit & { headers?: Record<string, string> }): Promise<unknown> {
    const response = await fetch(url, { ...init, headers: { ...init.headers, ...this.authorization }, redirect: 'error' }).catch((error: unknown) => {
      const code = (error as { cause?: { code?: string } }).cause?.code ?? '';
      throw neverConnected.has(code) ? new SendError('unreachable', 'retryable', { cause: error }) : new SendError('no_answer', 'ambiguous', { cause: error });
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw refusal(response.status, answer, pauseOf(response.headers.get('retry-after')));
    if (typeof answer !== 'object' || answer === null) throw new SendError('no_answer', 'ambiguous', { cause: 'not JSON' });
    return answer;
  }
}

function pauseOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const millis = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return millis > 0 ? millis : undefined;
}
