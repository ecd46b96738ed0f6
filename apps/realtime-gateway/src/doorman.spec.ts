import { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { Doorman } from './doorman.js';

const socket = () => new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });

describe('when many come at once, the doorman', () => {
  it('lets in whoever comes alone at once, of a crowd everybody in order and a few at a time, and nobody who went meanwhile', async () => {
    const doorman = new Doorman();
    const opened: number[] = [];
    const turns: number[] = [];
    let turn = 0;
    const gone = new Set([70, 71, 199]);
    const sockets = Array.from({ length: 200 }, socket);
    sockets.forEach((each, n) => expect(doorman.enter(each, () => { opened.push(n); turns[turn] = (turns[turn] ?? 0) + 1; })).toBe(true));
    expect(opened[0]).toBe(0);
    for (const n of gone) sockets[n]!.destroy();
    for (const end = Date.now() + 30_000; opened.length < 197 && Date.now() < end; turn += 1) await pause(1);
    expect(opened).toEqual(sockets.map((_, n) => n).filter((n) => !gone.has(n)));
    expect(Math.max(...turns.filter((count) => count > 0))).toBeLessThanOrEqual(128);
    let alone = false;
    doorman.enter(socket(), () => (alone = true));
    for (const end = Date.now() + 30_000; !alone && Date.now() < end;) await pause(1);
    expect(alone).toBe(true);
  });
  it('refuses more than can wait, until there is room again', async () => {
    const doorman = new Doorman();
    const shared = socket();
    let opened = 0;
    let refused = 0;
    for (let n = 0; n < 10_100; n++) if (!doorman.enter(shared, () => (opened += 1))) refused += 1;
    expect(refused).toBeGreaterThan(0);
    expect(opened + refused).toBeLessThan(200);
    const before = opened;
    for (const end = Date.now() + 30_000; opened === before && Date.now() < end;) await pause(1);
    expect(doorman.enter(shared, () => {})).toBe(true);
    shared.destroy();
  });
});
