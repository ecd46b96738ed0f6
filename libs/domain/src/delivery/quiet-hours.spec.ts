import { isTimeZone, quietMillis, quietUntil, type QuietHours } from './quiet-hours.js';

const until = (hours: QuietHours, now: string, channel = 'sms') => {
  const end = quietUntil(hours, channel, Date.parse(now));
  return end === undefined ? undefined : new Date(end).toISOString();
};
const hoursOf = (hours: QuietHours, from: string, to: string, channel = 'sms') => quietMillis(hours, channel, Date.parse(from), Date.parse(to)) / 3_600_000;
const night = { start: '21:00', end: '08:00', time_zone: 'America/New_York' };

describe('quiet hours', () => {
  it.each([
    // Summer: four hours behind UTC.
    ['in the evening, until the next morning', '2026-07-02T01:30:30Z', '2026-07-02T12:00:00.000Z'],
    ['after midnight, until the same morning', '2026-07-02T06:00:00Z', '2026-07-02T12:00:00.000Z'],
    ['in their last minute', '2026-07-02T11:59:59Z', '2026-07-02T12:00:00.000Z'],
    ['at their first moment', '2026-07-02T01:00:00Z', '2026-07-02T12:00:00.000Z'],
    // The clock goes from 02:00 to 03:00 on 8 March 2026, from 02:00 to 01:00 on 1 November.
    ['in a night that is an hour shorter', '2026-03-08T03:00:00Z', '2026-03-08T12:00:00.000Z'],
    ['in a night that is an hour longer', '2026-11-01T03:00:00Z', '2026-11-01T13:00:00.000Z'],
  ])('%s', (_, now, end) => expect(until(night, now)).toBe(end));
  it.each([
    ['when they just ended', '2026-07-02T12:00:00Z'],
    ['just before they begin', '2026-07-02T00:59:59Z'],
  ])('are over %s', (_, now) => expect(until(night, now)).toBeUndefined());
  it('within one day', () => {
    const noon = { start: '12:00', end: '14:30', time_zone: 'Asia/Kolkata' };
    expect(until(noon, '2026-07-02T07:00:00Z')).toBe('2026-07-02T09:00:00.000Z');
    expect(until(noon, '2026-07-02T09:00:00Z')).toBeUndefined();
  });
  it('end when the clock jumps over their end', () =>
    expect(until({ ...night, end: '02:30' }, '2026-03-08T03:00:00Z')).toBe('2026-03-08T07:00:00.000Z'));
  it('end when the clock first shows their end, where it shows it twice', () =>
    expect(until({ ...night, end: '01:30' }, '2026-11-01T03:00:00Z')).toBe('2026-11-01T05:30:00.000Z'));
  it('where the clock moves by half an hour', () =>
    expect(until({ start: '22:00', end: '07:00', time_zone: 'Australia/Lord_Howe' }, '2026-10-03T13:00:00Z')).toBe('2026-10-03T20:00:00.000Z'));
  it('of some channels leave the others alone', () => {
    const texts = { ...night, channels: ['sms'] };
    expect(until(texts, '2026-07-02T06:00:00Z', 'email')).toBeUndefined();
    expect(until(texts, '2026-07-02T06:00:00Z')).toBeDefined();
  });
  it('know places by their IANA names', () =>
    expect(['Europe/Vienna', 'UTC', 'Mars/Base', ''].map(isTimeZone)).toEqual([true, true, false, false]));
});

describe('of the time between two moments', () => {
  it.each([
    ['a whole night', '2026-07-01T20:00:00Z', '2026-07-02T20:00:00Z', 11],
    ['the rest of one', '2026-07-02T02:10:00Z', '2026-07-02T12:00:01Z', 9 + 50 / 60],
    ['the beginning of one', '2026-07-02T00:00:00Z', '2026-07-02T01:00:36Z', 0.01],
    ['two nights and a half', '2026-07-01T20:00:00Z', '2026-07-04T04:00:00Z', 25],
    ['nothing of a day', '2026-07-02T12:00:00Z', '2026-07-03T01:00:00Z', 0],
    ['a part of a minute', '2026-07-02T03:00:00.250Z', '2026-07-02T03:00:01.150Z', 0.9 / 3600],
    ['nothing before it began', '2026-07-02T03:00:00Z', '2026-07-02T02:00:00Z', 0],
    ['a night that is an hour shorter', '2026-03-08T00:00:00Z', '2026-03-08T20:00:00Z', 10],
    ['a night that is an hour longer', '2026-11-01T00:00:00Z', '2026-11-01T20:00:00Z', 12],
  ])('%s is quiet', (_, from, to, hours) => expect(hoursOf(night, from, to)).toBeCloseTo(hours, 9));
  it('hours that the clock shows twice count twice', () =>
    expect(hoursOf({ ...night, end: '01:30' }, '2026-11-01T01:00:00Z', '2026-11-01T20:00:00Z')).toBe(5));
  it('by clocks off by a quarter of an hour', () =>
    expect(hoursOf({ start: '22:10', end: '07:05', time_zone: 'Asia/Kathmandu' }, '2026-07-01T12:00:00Z', '2026-07-02T12:00:00Z')).toBeCloseTo(8 + 55 / 60, 9));
  it('nothing is, on channels they leave alone, or without them', () => {
    expect(hoursOf({ ...night, channels: ['sms'] }, '2026-07-01T20:00:00Z', '2026-07-02T20:00:00Z', 'email')).toBe(0);
    expect(quietMillis(undefined, 'sms', 0, 1e9)).toBe(0);
  });
});
