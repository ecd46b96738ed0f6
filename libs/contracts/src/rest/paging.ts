/** Query of every list (API reference 2.4): `PageSize`, `Page` (counted by the client's eye only), `PageToken`. */
import { z } from 'zod';
import { integer } from './parameters.js';

const PAGE_SIZE_DEFAULT = 50;

/**
 * Above the resource's maximum the page is as large as allowed: the official SDKs send `PageSize` = the caller's limit,
 * however large, and go on with the next page.
 */
export const paging = (pageSizeMax: 5 | 50 | 100) =>
  z.object({
    PageSize: integer(1, Number.MAX_SAFE_INTEGER, 20007).transform((size) => Math.min(size, pageSizeMax)).default(Math.min(PAGE_SIZE_DEFAULT, pageSizeMax)),
    Page: integer(0, Number.MAX_SAFE_INTEGER, 20001).default(0),
    PageToken: z.string().optional(),
  });
export type Paging = z.output<ReturnType<typeof paging>>;
