/** The envelope of every list (API reference 2.4): one array under the resource's key, and `meta` with its seven keys. */
import type { Paging } from '@parley/contracts/rest/paging';
import { pageToken, type Cursor } from './page-token.js';

export type Listing<Row, Key extends readonly (string | number)[]> = {
  /** `messages`, `conversations` … */
  key: string;
  /** Absolute, without query: `https://host/v1/Conversations`. */
  url: string;
  /** In the order they are shown; undefined ones are left out. */
  filters?: readonly (readonly [name: string, value: string | undefined])[];
  /** Name of list and order inside the token. */
  list: string;
  paging: Paging;
  cursor: Cursor<Key> | undefined;
  /** Up to one more than the page, in the order of the scan (backwards when the cursor goes back). */
  rows: Row[];
  keyOf(row: Row): Key;
  json(row: Row): string;
};

export function listAnswer<Row, Key extends readonly (string | number)[]>(listing: Listing<Row, Key>): string {
  const { key, url, filters = [], list, paging, cursor, rows, keyOf, json } = listing;
  const more = rows.length > paging.PageSize;
  const page = more ? rows.slice(0, paging.PageSize) : rows;
  if (cursor?.back) page.reverse();
  const first = page[0];
  const last = page.at(-1);
  const before = first !== undefined && (cursor?.back ? more : cursor !== undefined);
  const after = last !== undefined && (cursor?.back ? true : more);

  let query = '?';
  for (const [name, value] of filters) if (value !== undefined) query += `${name}=${encodeURIComponent(value)}&`;
  query += `PageSize=${paging.PageSize}&Page=`;
  const link = (number: number, token?: string) => `"${url}${query}${number}${token ? `&PageToken=${token}` : ''}"`;
  let items = '';
  for (const row of page) items += items ? `,${json(row)}` : json(row);
  return `{"meta":{"page":${paging.Page},"page_size":${paging.PageSize},"first_page_url":${link(0)},"previous_page_url":${
    before ? link(Math.max(0, paging.Page - 1), pageToken(list, keyOf(first), true)) : 'null'},"url":${
    link(paging.Page, paging.PageToken && encodeURIComponent(paging.PageToken))},"next_page_url":${
    after ? link(paging.Page + 1, pageToken(list, keyOf(last), false)) : 'null'},"key":"${key}"},"${key}":[${items}]}`;
}
