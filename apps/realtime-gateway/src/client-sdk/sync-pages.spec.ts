/** Pages of the synchronised objects: whichever way a client turns them, each item comes once and none is left out. */
import { RealtimeWorld, type TestAccount } from '../realtime.testing.js';
import { insertService, insertUser, SdkClient } from './sdk-client.testing.js';
import { sidOf } from './sync-names.js';

type Page = { items: { index: number }[]; meta: { previous_token: string | null; next_token: string | null } };

let world: RealtimeWorld;
let account: TestAccount;
let alice: SdkClient;
beforeAll(async () => {
  world = await RealtimeWorld.open();
  account = await world.account();
  await insertService(world, account);
  await insertUser(world, account, 'alice');
  alice = await SdkClient.open(world, account, 'alice');
});
afterAll(() => world?.close());

async function saidIn(bodies: readonly string[]): Promise<(params: object) => Promise<Page>> {
  const conversation = await world.conversation(account, ['alice']);
  for (const body of bodies) await world.say(account, conversation, body);
  return async (params) => {
    const { status, body } = await alice.request('GET', `/v3/Lists/${sidOf('messages', conversation)}/Items`, undefined, params);
    expect(status).toBe(200);
    return body as Page;
  };
}

const indexes = ({ items }: Page) => items.map(({ index }) => index);

/** All pages from this one on, in the order they are turned. */
async function turned(get: (params: object) => Promise<Page>, first: Page, way: 'previous_token' | 'next_token'): Promise<number[][]> {
  const pages = [indexes(first)];
  for (let page = first; page.meta[way] !== null;) {
    page = await get({ PageToken: page.meta[way] });
    pages.push(indexes(page));
    expect(pages.length).toBeLessThan(20);
  }
  return pages;
}

it('turned back to the beginning, the last page holds only what is left, and forward again all comes once', async () => {
  const get = await saidIn(Array.from({ length: 9 }, (_, n) => `message ${n}`));
  const middle = await get({ From: 5, PageSize: 3, Order: 'asc' });
  const back = await turned(get, middle, 'previous_token');
  expect(back).toEqual([[5, 6, 7], [2, 3, 4], [0, 1]]);
  const second = await get({ PageToken: middle.meta.previous_token });
  const first = await get({ PageToken: second.meta.previous_token });
  expect(await turned(get, first, 'next_token')).toEqual([[0, 1], [2, 3, 4], [5, 6, 7], [8]]);
  expect(await turned(get, await get({ From: 7, PageSize: 5, Order: 'desc' }), 'previous_token')).toEqual([[7, 6, 5, 4, 3], [8]]);
});

it('a page before this one that would be too large for one answer ends where this one begins', async () => {
  const large = 'x'.repeat(30_000); // a page ends early at 512 KiB
  const get = await saidIn(Array.from({ length: 41 }, () => large));
  const pages = await turned(get, await get({ From: 40, PageSize: 40, Order: 'asc' }), 'previous_token');
  expect(pages.length).toBeGreaterThan(2);
  expect(pages.toReversed().flat()).toEqual(Array.from({ length: 41 }, (_, n) => n));
});
