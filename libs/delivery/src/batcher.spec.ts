import { Batcher } from './batcher.js';

describe('Batcher', () => {
  it('does together what comes while a batch is under way', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(async (items) => {
      batches.push(items);
      await new Promise((resolve) => setImmediate(resolve));
      return items.map((n) => n * 2);
    }, { batchMax: 3 });
    const results = await Promise.all([1, 2, 3, 4, 5].map((n) => batcher.do(n)));
    expect(results).toEqual([2, 4, 6, 8, 10]);
    expect(batches).toEqual([[1, 2, 3], [4, 5]]);
  });
  it('gives the failure of a batch to all of it, and goes on', async () => {
    let fails = true;
    const batcher = new Batcher<number, number>(async (items) => {
      if (fails) throw new Error('broken');
      return items;
    });
    expect(await Promise.allSettled([batcher.do(1), batcher.do(2)])).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    fails = false;
    expect(await batcher.do(3)).toBe(3);
  });
  it('refuses more than may wait', async () => {
    const batcher = new Batcher<number, number>(async (items) => items, { waitingMax: 1 });
    const first = batcher.do(1);
    await expect(batcher.do(2)).rejects.toMatchObject({ code: 'overloaded' });
    expect(await first).toBe(1);
  });
});
