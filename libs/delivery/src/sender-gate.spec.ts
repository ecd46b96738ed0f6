import { SenderGate } from './sender-gate.js';

const fails = (gate: SenderGate, times: number, now = 0) => {
  for (let n = 0; n < times; n++) {
    expect(gate.enter(now)).toBe(true);
    gate.leave('trouble', now);
  }
};

describe('SenderGate', () => {
  it('lets in as many as may be in flight', () => {
    const gate = new SenderGate(2);
    expect([gate.enter(0), gate.enter(0), gate.enter(0)]).toEqual([true, true, false]);
    gate.leave('fine', 0);
    expect(gate.enter(0)).toBe(true);
  });
  it('closes after five troubles in a row, opens for one, and closes for longer', () => {
    const gate = new SenderGate(8);
    fails(gate, 5);
    expect(gate.enter(1999)).toBe(false);
    expect([gate.enter(2000), gate.enter(2000)]).toEqual([true, false]);
    gate.leave('trouble', 2000);
    expect([gate.enter(5999), gate.enter(6000)]).toEqual([false, true]);
  });
  it('does not count calls twice that failed together', () => {
    const gate = new SenderGate(8);
    for (let n = 0; n < 8; n++) gate.enter(0);
    for (let n = 0; n < 8; n++) gate.leave('trouble', 0);
    expect([gate.enter(1999), gate.enter(2000)]).toEqual([false, true]);
  });
  it('is as before once the carrier answers again', () => {
    const gate = new SenderGate(8);
    fails(gate, 5);
    gate.enter(2000);
    gate.leave('fine', 2000);
    expect([gate.enter(2000), gate.enter(2000)]).toEqual([true, true]);
    fails(gate, 4, 2000);
  });
  it('keeps the pause a carrier asks for, but no longer than half a minute', () => {
    const gate = new SenderGate(8);
    gate.enter(0);
    gate.leave({ pauseMillis: 3_600_000 }, 0);
    expect([gate.enter(29_999), gate.enter(30_000)]).toEqual([false, true]);
  });
  it('may be forgotten only when it has nothing to remember', () => {
    const gate = new SenderGate(8);
    expect(gate.idle).toBe(true);
    fails(gate, 1);
    expect(gate.idle).toBe(false);
  });
});
