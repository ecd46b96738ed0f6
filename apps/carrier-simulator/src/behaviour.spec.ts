import { behaviourSchema, reportsOf, type Behaviour } from './behaviour.js';

const statuses = (behaviour: Behaviour) => reportsOf(behaviour).map(({ status }) => status);

describe('reportsOf', () => {
  it('reports sent and delivered within a second when nothing else is said', () => {
    expect(statuses({})).toEqual(['sent', 'delivered']);
    expect(reportsOf({}).every(({ dueInMillis }) => dueInMillis < 1000)).toBe(true);
  });
  it.each([
    [{ outcome: 'read' }, ['sent', 'delivered', 'read']],
    [{ outcome: 'failed' }, ['failed']],
    [{ outcome: 'undelivered' }, ['sent', 'undelivered']],
    [{ outcome: 'silent', twice: true }, []],
    [{ outOfOrder: true }, ['delivered', 'sent']],
    [{ twice: true }, ['sent', 'sent', 'delivered', 'delivered']],
  ] as Array<[Behaviour, string[]]>)('%j: %j', (behaviour, expected) => expect(statuses(behaviour)).toEqual(expected));
  it('waits before the first one', () => expect(reportsOf({ delayMs: 5000 })[0]!.dueInMillis).toBeGreaterThanOrEqual(5000));
  it('gives a code with a failure only', () => {
    expect(reportsOf({ outcome: 'undelivered', errorCode: 30007 })).toMatchObject([{ status: 'sent' }, { errorCode: 30007 }]);
    expect(reportsOf({ outcome: 'undelivered' })[0]).not.toHaveProperty('errorCode');
  });
});

describe('a behaviour', () => {
  it('with a field nobody knows is refused', () => expect(behaviourSchema.safeParse({ outcom: 'failed' }).success).toBe(false));
});
