import { SharedReads } from './shared-reads.js';

it('reads once for all who ask at the same time, and again for who asks while it is read', async () => {
  const shared = new SharedReads<number>();
  const runs: ((value: number) => void)[] = [];
  const read = () => new Promise<number>((resolve) => runs.push(resolve));
  const begun = async (count: number) => { while (runs.length < count) await new Promise((turn) => setImmediate(turn)); };
  const first = [shared.read('a', read), Promise.resolve().then(() => shared.read('a', read))];
  await begun(1);
  const later = [shared.read('a', read), shared.read('a', read), shared.read('a', read)];
  runs[0]!(1);
  await begun(2);
  runs[1]!(2);
  expect([await Promise.all(first), await Promise.all(later), runs.length]).toEqual([[1, 1], [2, 2, 2], 2]);
});

it('goes on after a read that failed', async () => {
  const shared = new SharedReads<number>();
  await expect(shared.read('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(await shared.read('a', () => Promise.resolve(1))).toBe(1);
});
