/** The parameters of a request inside the websocket as the body that the REST API reads. */
import { listParameters } from '@parley/contracts/rest/addresses';
import type { Route } from './public-routes.js';

type Body = Readonly<Record<string, unknown>>;

/** Undefined: nothing to send. Throws RangeError for what is nested too deep to be written. */
export function bodyFor({ body: kind }: Route, body: Body | null | undefined): { type: string; text: string } | undefined {
  if (kind === 'json') return { type: 'application/json', text: JSON.stringify(body ?? {}) };
  if (kind === 'none' || body === null || body === undefined) return undefined;
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    if (Array.isArray(value) && listParameters.has(name)) for (const each of value) form.append(name, textOf(each));
    else form.set(name, textOf(value));
  }
  return { type: 'application/x-www-form-urlencoded', text: form.toString() };
}

/** null clears, as an empty parameter does. */
const textOf = (value: unknown): string => (value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));
