import { FairRoom } from './fair-room.js';

it('gives one account half at most, and keeps the last quarter for accounts that hold little', () => {
  const room = new FairRoom(100, 5);
  expect([room.take('AC1', 51), room.take('AC1', 50), room.take('AC1', 1)]).toEqual([false, true, false]);
  expect([room.take('AC2', 26), room.take('AC2', 25), room.take('AC3', 6)]).toEqual([false, true, false]);
  for (const account of ['AC3', 'AC4', 'AC5', 'AC6', 'AC7']) expect([room.take(account, 5), room.take(account, 1)]).toEqual([true, false]);
  expect([room.held, room.take('AC8', 1)]).toEqual([100, false]); // the bound of all holds for everybody
});

it('has room again for what is given back', () => {
  const room = new FairRoom(100, 5);
  room.take('AC1', 50);
  room.take('AC2', 25);
  room.give('AC1', 30);
  expect([room.take('AC3', 31), room.take('AC3', 30), room.held]).toEqual([false, true, 75]);
  room.give('AC1', 20);
  room.give('AC2', 25);
  room.give('AC3', 30);
  expect(room.held).toBe(0);
});
