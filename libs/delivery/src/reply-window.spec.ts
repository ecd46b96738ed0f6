import { planForWindow, WINDOW_MILLIS } from './reply-window.js';

const opened = new Date('2026-11-22T12:00:00Z');
const after = (millis: number, hasTemplate = false) => planForWindow({ openedAt: opened, now: new Date(opened.getTime() + millis), hasTemplate });

describe('planForWindow', () => {
  it('is open for a day but half a minute', () => {
    expect([after(0), after(WINDOW_MILLIS - 30_001), after(WINDOW_MILLIS - 30_000), after(WINDOW_MILLIS * 9)]).toEqual(['free', 'free', 'closed', 'closed']);
  });
  it('lets an approved template through at any time', () => expect(after(WINDOW_MILLIS, true)).toBe('template'));
  it('is open where nobody keeps one', () => expect(planForWindow({ openedAt: null, now: opened, hasTemplate: false })).toBe('free'));
});
