/** What we serve besides the 103 operations of Conversations: described here by hand, path by path. */
type Json = Record<string, unknown>;

const plain = (summary: string, status: number, description: string): Json => ({ summary, responses: { [status]: { description } }, security: [] });

export const furtherPaths = (): Record<string, Json> => ({
  '/health': { get: plain('Whether this process is ready.', 200, 'It is.') },
  '/openapi.json': { get: plain('This document.', 200, 'OpenAPI 3.1.') },
  '/docs': { get: plain('This document as pages to read.', 200, 'HTML.') },
});
