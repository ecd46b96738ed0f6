/**
 * The API on accounts, which the original has on hosts of their own: accounts and keys of 2010-04-01, auth tokens
 * (`accounts.`), keys with policies (`iam.`). Same path, one host here. Only an auth token may use it.
 */
import type { ApiPath } from './operations.js';

type Verb = ApiPath['verbs'][number];
const root = '/2010-04-01/Accounts';
const rows: readonly (readonly [resource: string, path: string, verbs: string])[] = [
  ['Account', `${root}`, 'GET POST'],
  ['Account', `${root}/{Sid}`, 'GET POST'],
  ['Key', `${root}/{Sid}/Keys`, 'GET POST'],
  ['Key', `${root}/{Sid}/Keys/{Sid}`, 'GET POST DELETE'],
  ['Signing Key', `${root}/{Sid}/SigningKeys`, 'GET POST'],
  ['Signing Key', `${root}/{Sid}/SigningKeys/{Sid}`, 'GET POST DELETE'],
  ['Auth Token Promotion', '/AuthTokens/Promote', 'POST'],
  ['Secondary Auth Token', '/AuthTokens/Secondary', 'POST DELETE'],
  ['API Key', '/Keys', 'GET POST'],
  ['API Key', '/Keys/{Sid}', 'GET POST DELETE'],
];

/** Paths as a request without `/v1` has them; `.json` belongs to the 2010 API. */
export const accountPaths: readonly ApiPath[] = rows.map(([resource, path, verbs]) => {
  const list = verbs.split(' ') as Verb[];
  return { resource, path, verbs: list, built: list };
});
const patterns = accountPaths.map((path) => ({
  path, pattern: new RegExp(`^${path.path.replaceAll('{Sid}', '[^/]+')}${path.path.startsWith(root) ? '(\\.json)?' : ''}$`),
}));

export const findAccountPath = (path: string): ApiPath | undefined => patterns.find(({ pattern }) => pattern.test(path))?.path;

/** By a route's pattern. */
export const isAccountRoute = (route: string): boolean => /^\/2010-04-01\/|^\/v1\/(Keys|AuthTokens)(\/|$)/.test(route);
