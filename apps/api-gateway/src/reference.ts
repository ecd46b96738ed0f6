/** `/openapi.json`, our API as OpenAPI 3.1, and `/docs`, the same to read in a browser. Both made once, when first asked for. */
import { openApiDocument } from '@parley/contracts/rest/openapi';
import type { Fastify } from '@parley/runtime/bootstrap';
import { referencePage, type OpenApi } from './reference-page.js';

const MAX_AGE = 'public, max-age=300';

export function referenceRoutes(fastify: Fastify): void {
  let document: string | undefined;
  let page: string | undefined;
  fastify.get('/openapi.json', (_request, reply) => {
    document ??= JSON.stringify(openApiDocument());
    return reply.header('Content-Type', 'application/json; charset=utf-8').header('Access-Control-Allow-Origin', '*').header('Cache-Control', MAX_AGE).send(document);
  });
  fastify.get('/docs', (_request, reply) => {
    page ??= referencePage(openApiDocument() as OpenApi);
    // No script, nothing from elsewhere.
    return reply.header('Content-Type', 'text/html; charset=utf-8').header('Cache-Control', MAX_AGE)
      .header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'").send(page);
  });
}
