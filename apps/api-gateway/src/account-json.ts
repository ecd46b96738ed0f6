/** Accounts and keys as the 2010 API writes them: dates of RFC 2822, lists with relative URIs beside the items. */
import type { Paging } from '@parley/contracts/rest/paging';
import type { AccountRecord, KeyRecord } from '@parley/event-store/account-registry';
import { isoTime } from '@parley/event-store/database';
import { pageToken, type Cursor } from './page-token.js';

export const ACCOUNTS = '/2010-04-01/Accounts';

/** `Thu, 30 Jul 2015 20:00:00 +0000` */
export const rfc2822 = (time: string): string => new Date(isoTime(time)).toUTCString().replace('GMT', '+0000');

/** `authToken` in the answer that made it only: it is shown once. */
export const accountJson = (account: AccountRecord, authToken: string | null = null) => {
  const uri = `${ACCOUNTS}/${account.sid}`;
  return {
    sid: account.sid, owner_account_sid: account.parent ?? account.sid, friendly_name: account.friendlyName, type: 'Full', status: account.status,
    auth_token: authToken, date_created: rfc2822(account.createdAt), date_updated: rfc2822(account.updatedAt), uri: `${uri}.json`,
    subresource_uris: { keys: `${uri}/Keys.json`, signing_keys: `${uri}/SigningKeys.json` },
  };
};

export const keyJson = ({ sid, friendlyName, createdAt, updatedAt }: KeyRecord) =>
  ({ sid, friendly_name: friendlyName, date_created: rfc2822(createdAt), date_updated: rfc2822(updatedAt) });

export type SidListing<Row extends { sid: string }> = {
  key: string;
  /** `/2010-04-01/Accounts.json` */
  uri: string;
  filters?: Readonly<Record<string, string | undefined>>;
  paging: Paging;
  cursor: Cursor<string> | undefined;
  /** Up to one more than the page, in the order of the scan (backwards when the cursor goes back). */
  rows: Row[];
  json(row: Row): object;
};

export function listOf2010<Row extends { sid: string }>({ key, uri, filters = {}, paging, cursor, rows, json }: SidListing<Row>): object {
  const { PageSize, Page, PageToken } = paging;
  const more = rows.length > PageSize;
  const page = rows.slice(0, PageSize);
  if (cursor?.back) page.reverse();
  const [first, last] = [page[0], page.at(-1)];
  const link = (number: number, token?: string) => {
    const query = new URLSearchParams({ ...(JSON.parse(JSON.stringify(filters)) as Record<string, string>), PageSize: String(PageSize), Page: String(number) });
    if (token !== undefined) query.set('PageToken', token);
    return `${uri}?${query}`;
  };
  const before = first && (cursor?.back ? more : cursor !== undefined);
  const after = last && (cursor?.back ? true : more);
  return {
    [key]: page.map(json), page: Page, page_size: PageSize, start: Page * PageSize, end: Page * PageSize + Math.max(0, page.length - 1), uri: link(Page, PageToken),
    first_page_uri: link(0), previous_page_uri: before ? link(Math.max(0, Page - 1), pageToken(key, [first.sid], true)) : null,
    next_page_uri: after ? link(Page + 1, pageToken(key, [last.sid], false)) : null,
  };
}
