/** How a request that is sent again is recognised: by its Idempotency-Key, and by what it asks for. */
import { createHash } from 'node:crypto';
import type { ApiRequest } from './call.js';

/** The hash of a request with a key: the same key for another request is refused. */
export function identify(request: ApiRequest): void {
  const { caller, member } = request.call;
  if (caller.key !== undefined) {
    // Keys are each user's own.
    if (member) caller.key = `user:${createHash('sha256').update(`${member.service} ${member.identity}`).digest('hex').slice(0, 32)}:${caller.key}`;
    const hash = createHash('sha256').update(`${request.method} ${request.url}\n`);
    caller.hash = hash.update(bodyText(request.body)).digest('hex');
  }
}

/** A form as it came, JSON as it was understood, a file not at all. */
const bodyText = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body) ?? '');
