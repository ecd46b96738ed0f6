import { listAnswer } from './list-answer.js';
import { pageToken, readPageToken } from './page-token.js';

const url = 'https://host/v1/Things';
const keyIn = ([key]: unknown[]) => [key as number] as const;
type Answer = { meta: { page: number; page_size: number; previous_page_url: string | null; next_page_url: string | null }; things: number[] };

/** A list of the numbers 0 to 9, answered as a controller would. */
function get(query: string, size = 3): Answer {
  const params = new URLSearchParams(query);
  const token = params.get('PageToken') ?? undefined;
  const cursor = readPageToken(token, 'things', keyIn);
  const all = Array.from({ length: 10 }, (_, n) => n);
  const from = cursor?.key[0] ?? -1;
  const rows = cursor?.back ? all.filter((n) => n < from).reverse() : all.filter((n) => n > from);
  return JSON.parse(listAnswer({
    key: 'things', url, list: 'things', paging: { PageSize: size, Page: Number(params.get('Page') ?? 0), PageToken: token }, cursor,
    rows: rows.slice(0, size + 1), filters: [['Order', 'desc'], ['Gone', undefined], ['Address', '+1 2']], keyOf: (n) => [n] as const, json: String,
  })) as Answer;
}
const queryOf = (link: string) => link.slice(link.indexOf('?') + 1);

describe('listAnswer', () => {
  it('has the seven keys of meta, filters first', () => {
    const token = pageToken('things', [2], false);
    expect(get('')).toEqual({
      meta: {
        page: 0, page_size: 3, first_page_url: `${url}?Order=desc&Address=%2B1%202&PageSize=3&Page=0`, previous_page_url: null,
        url: `${url}?Order=desc&Address=%2B1%202&PageSize=3&Page=0`,
        next_page_url: `${url}?Order=desc&Address=%2B1%202&PageSize=3&Page=1&PageToken=${token}`, key: 'things',
      },
      things: [0, 1, 2],
    });
  });
  it('leads through all of it and back', () => {
    const seen: number[][] = [];
    let page = get('');
    for (;;) {
      seen.push(page.things);
      if (page.meta.next_page_url === null) break;
      page = get(queryOf(page.meta.next_page_url));
    }
    expect(seen).toEqual([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]);
    const back: number[][] = [];
    while (page.meta.previous_page_url !== null) {
      page = get(queryOf(page.meta.previous_page_url));
      back.push(page.things);
    }
    expect(back).toEqual([[6, 7, 8], [3, 4, 5], [0, 1, 2]]);
    expect(page.meta.page).toBe(0);
    expect(get(queryOf(page.meta.next_page_url!)).things).toEqual([3, 4, 5]);
  });
  it('has neither neighbour when all fits', () =>
    expect(get('', 10).meta).toMatchObject({ previous_page_url: null, next_page_url: null }));
});
