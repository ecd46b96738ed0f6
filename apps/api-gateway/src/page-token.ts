/**
 * Page tokens: opaque for clients, for us the place in the list's order where the page begins, so that page one million
 * costs what page two costs. `PT…` goes on, `PB…` goes back. A token holds no rights: every query names the account.
 */
import { ApiError } from '@parley/contracts/error-catalogue';

export type Cursor<K> = { key: K; back: boolean };

/** `list` names the list and its order: a token of another list is refused. */
export const pageToken = (list: string, key: readonly (string | number)[], back: boolean): string =>
  (back ? 'PB' : 'PT') + Buffer.from(JSON.stringify([list, ...key])).toString('base64url');

/** `read` checks the key's parts, undefined when they are none of ours. Throws ApiError 21481. */
export function readPageToken<K>(token: string | undefined, list: string, read: (parts: unknown[]) => K | undefined): Cursor<K> | undefined {
  if (token === undefined) return undefined;
  try {
    const [of, ...parts] = JSON.parse(Buffer.from(token.slice(2), 'base64url').toString('utf8')) as unknown[];
    const key = of === list && /^P[TB]/.test(token) ? read(parts) : undefined;
    if (key !== undefined) return { key, back: token.startsWith('PB') };
  } catch {
    // Not ours at all: told below.
  }
  throw new ApiError(21481);
}

export const wholeNumber = (value: unknown): value is number => Number.isSafeInteger(value) && Math.abs(value as number) <= 2_147_483_647;
/** Milliseconds of a time in the years 1 to 9999: as ISO 8601 it has no sign, which Postgres would not read. */
export const millisOf = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= -62_135_596_800_000 && (value as number) <= 253_402_300_799_999;
export const sidOfKind = (value: unknown, prefix: string): value is string =>
  typeof value === 'string' && value.startsWith(prefix) && /^[A-Z]{2}[0-9a-fA-F]{32}$/.test(value);
