/**
 * Which requests may be made inside the websocket: what the OpenAPI document describes below `/v1`, where body and answer are
 * forms or JSON. Files go by HTTP. Everything else is not there, and nothing is passed on that could mean another path than it says.
 */
import { openApiDocument } from '@parley/contracts/rest/openapi';

export type Route = { body: 'form' | 'json' | 'none' };

type Operation = { requestBody?: { content: object }; responses: Record<string, { content?: object }> };
const verbs = { get: 'GET', post: 'POST', put: 'PUT', delete: 'DELETE' } as const;
/** What RFC 3986 allows in a path and a query, so that it needs no reading twice. */
const address = /^\/v1(?:\/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+\/?(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?$/;
/** A segment that walks, or that has a slash in it, however it is written. */
const walking = /\/(?:\.|%2e){1,2}(?=\/|$)|%2f|%5c|%00/i;

const JSON_TYPE = 'application/json';
const table = (() => {
  const routes: { pattern: RegExp; verbs: Map<string, Route> }[] = [];
  for (const [path, item] of Object.entries(openApiDocument()['paths'] as Record<string, Record<string, Operation>>)) {
    if (!path.startsWith('/v1/')) continue;
    const allowed = Object.entries(verbs).flatMap(([name, verb]): [string, Route][] => {
      const operation = item[name];
      if (!operation) return [];
      const types = Object.keys(operation.requestBody?.content ?? {});
      const readable = Object.values(operation.responses).every(({ content }) => content === undefined || JSON_TYPE in content);
      if (!readable || types.includes('*/*')) return [];
      return [[verb, { body: types.includes(JSON_TYPE) ? 'json' : types.length > 0 ? 'form' : 'none' }]];
    });
    routes.push({ pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`), verbs: new Map(allowed) });
  }
  return routes;
})();

/** Undefined: there is no such path. `method`: the path has no such verb here. */
export function publicRoute(method: string, pathAndQuery: string): Route | 'method' | undefined {
  if (!address.test(pathAndQuery)) return undefined;
  const [path] = pathAndQuery.split('?', 1) as [string];
  if (walking.test(path)) return undefined;
  const found = table.find(({ pattern }) => pattern.test(path));
  return found && (found.verbs.get(method) ?? 'method');
}
