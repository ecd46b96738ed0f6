/** Requests to the Graph API, with our token; every failure is a SendError that says what it means for the message. */
import type { LookupFunction } from 'node:net';
import { callCarrier, jsonOf, retryAfter, type HttpCall } from '../../http-call.js';
import { SendError } from '../../send-error.js';
import { refusal } from './errors.js';

/** Hosts that files were found at; few, but nobody promises which. */
const ORIGINS_MAX = 100;

export class GraphApi {
  private readonly authorization: Record<string, string>;
  /** Where the API said that files are: there, and nowhere else, they are fetched with our token. */
  private readonly mediaOrigins = new Set<string>();

  constructor(private readonly baseUrl: string, private readonly version: string, accessToken: string, private readonly lookup: LookupFunction | undefined) {
    this.authorization = { authorization: `Bearer ${accessToken}` };
  }

  post(path: string, json: object, signal: AbortSignal): Promise<Record<string, unknown>> {
    return this.request(this.urlOf(path), { json, signal });
  }

  /** The id of the file. A failure leaves nothing sent, so it is never ambiguous. */
  async upload(path: string, form: FormData, signal: AbortSignal): Promise<string> {
    const answer = await this.request(this.urlOf(path), { body: form, signal }).catch((error: unknown) => {
      throw error instanceof SendError && error.ambiguous ? new SendError('unreachable', 'retryable', { errorCode: 63019, cause: error }) : error;
    });
    const { id } = answer;
    if (typeof id !== 'string') throw new SendError('unreachable', 'retryable', { errorCode: 63019 });
    return id;
  }

  async resolveMedia(url: string, signal: AbortSignal): Promise<string> {
    if (new URL(url).origin !== new URL(this.baseUrl).origin) return url;
    const { url: found } = await this.request(url, { signal });
    if (typeof found !== 'string' || !URL.canParse(found)) throw new SendError('rejected', 'retryable', { errorCode: 63019 });
    if (this.mediaOrigins.size < ORIGINS_MAX) this.mediaOrigins.add(new URL(found).origin);
    return found;
  }

  mediaHeaders(url: string): Record<string, string> {
    return this.mediaOrigins.has(new URL(url).origin) ? this.authorization : {};
  }

  private urlOf(path: string): string {
    return `${this.baseUrl}/${this.version}/${path}`;
  }

  private async request(url: string, call: Omit<HttpCall, 'lookup'>): Promise<Record<string, unknown>> {
    const answer = await callCarrier(url, { ...call, headers: this.authorization, lookup: this.lookup });
    if (!answer.ok) throw refusal(answer.status, jsonOf(answer), retryAfter(answer.headers).retryAfterMillis);
    return jsonOf(answer);
  }
}
