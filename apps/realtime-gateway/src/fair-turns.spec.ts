import { FairTurns } from './fair-turns.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Tasks that end when they are told to, and the groups whose tasks were begun, in that order. */
class Tasks {
  readonly begun: string[] = [];
  readonly all: Promise<unknown>[] = [];
  private readonly ends: (() => void)[] = [];

  constructor(private readonly turns: FairTurns) {}

  async add(group: string, count: number): Promise<void> {
    for (let n = 0; n < count; n++) this.all.push(this.turns.run(group, () => new Promise<void>((end) => {
      this.begun.push(group);
      this.ends.push(end);
    })));
    await turn();
  }

  get running(): number { return this.ends.length; }

  /** Ends the oldest. */
  async end(): Promise<void> {
    this.ends.shift()!();
    await turn();
  }
}

it('lets no group take all turns, and those that wait take turns', async () => {
  const tasks = new Tasks(new FairTurns(4, 3));
  await tasks.add('greedy', 20);
  expect(tasks.begun).toHaveLength(3);
  await tasks.add('modest', 2);
  expect(tasks.begun.slice(3)).toEqual(['modest']);
  await tasks.add('third', 1);
  await tasks.end();
  await tasks.end();
  await tasks.end();
  expect(tasks.begun.slice(4).toSorted()).toEqual(['greedy', 'modest', 'third']);
  while (tasks.running > 0) await tasks.end();
  expect(tasks.begun).toHaveLength(23);
  await Promise.all(tasks.all);
});

it('gives a turn back whatever became of it', async () => {
  const turns = new FairTurns(1, 1);
  await expect(turns.run('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(await turns.run('b', () => Promise.resolve(1))).toBe(1);
});

it('forgets who waited and was aborted', async () => {
  const turns = new FairTurns(1, 1);
  const patience = new AbortController();
  expect(await turns.enter('a', patience.signal)).toBe(true);
  const waits = turns.enter('a', patience.signal);
  patience.abort();
  expect([await waits, await turns.enter('a', patience.signal)]).toEqual([false, false]);
  turns.leave('a');
  expect(await turns.run('a', () => Promise.resolve(1))).toBe(1);
});
