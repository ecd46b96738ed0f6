/** `/openapi.json`, our API as OpenAPI 3.1, `/docs`, the same to read in a browser, and `/asyncapi.json`, the websocket as AsyncAPI 3. Each made once, when first asked for. */
import { openApiDocument } from '@parley/contracts/rest/openapi';
import { asyncApiDocument } from '@parley/contracts/stream/asyncapi';
import type { Fastify } from '@parley/runtime/bootstrap';
import { referencePage, type OpenApi } from './reference-page.js';

const MAX_AGE = 'public, max-age=300';

export function referenceRoutes(fastify: Fastify): void {
  let page: string | undefined;
  for (const [path, make] of [['/openapi.json', openApiDocument], ['/asyncapi.json', asyncApiDocument]] as const) {
    let document: string | undefined;
    fastify.get(path, (_request, reply) => {
      document ??= JSON.stringify(make());
      return reply.header('Content-Type', 'application/json; charset=utf-8').header('Access-Control-Allow-Origin', '*').header('Cache-Control', MAX_AGE).send(document);
    });
  }
  fastify.get('/docs', (_request, reply) => {
    page ??= referencePage(openApiDocument() as OpenApi);
    // No script, nothing from elsewhere.
    return reply.header('Content-Type', 'text/html; charset=utf-8').header('Cache-Control', MAX_AGE)
      .header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'").send(page);
  });
}
