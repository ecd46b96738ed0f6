import { LruMap } from './lru-map.js';

const filled = (max: number, count: number) => {
  const map = new LruMap<number, string>(max);
  for (let i = 0; i < count; i++) map.set(i, `v${i}`);
  return map;
};

it('keeps at least the newer half of its maximum, and never more than the maximum', () => {
  for (let count = 1; count <= 50; count++) {
    const map = filled(10, count);
    expect([...map.entries()].length).toBeLessThanOrEqual(10);
    for (let i = Math.max(0, count - 5); i < count; i++) expect(map.get(i)).toBe(`v${i}`);
  }
});
it('forgets what nobody used, and keeps what is used all the time', () => {
  const map = filled(10, 5);
  for (let i = 100; i < 200; i++) {
    expect(map.get(3)).toBe('v3');
    map.set(i, 'x');
  }
  expect(map.get(1)).toBeUndefined();
});
it('has one value for a key: the last', () => {
  const map = filled(4, 2);
  map.set(0, 'new');
  expect(map.get(0)).toBe('new');
  expect([...map.entries()].filter(([key]) => key === 0)).toEqual([[0, 'new']]);
});
it('deletes a key wherever it is', () => {
  const map = filled(8, 5);
  for (const key of [0, 4]) {
    expect(map.delete(key)).toBe(true);
    expect(map.delete(key)).toBe(false);
    expect(map.get(key)).toBeUndefined();
  }
  map.clear();
  expect([...map.entries()]).toEqual([]);
});
it('lets entries be deleted while they are looked through', () => {
  const map = filled(8, 6);
  for (const [key] of map.entries()) if (key % 2 === 0) map.delete(key);
  expect([...map.entries()].map(([key]) => key).sort()).toEqual([1, 3, 5]);
});
