import { childOf, formatTraceparent, parseTraceparent } from './trace-context.js';

const header = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('traceparent', () => {
  it('survives reading and writing', () => expect(formatTraceparent(parseTraceparent(header)!)).toBe(header));
  it('keeps the trace, changes the span', () => {
    const parent = parseTraceparent(header)!;
    const child = childOf(parent);
    expect(child).toMatchObject({ traceId: parent.traceId, sampled: true });
    expect(child.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(child.spanId).not.toBe(parent.spanId);
  });
  it.each([
    undefined, '', 'x', `${header}-extra`, header.replace('00-', 'ff-'), header.toUpperCase(),
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
  ])('refuses %j', (bad) => expect(parseTraceparent(bad)).toBeUndefined());
  it('accepts the longer form of a later version', () =>
    expect(parseTraceparent(`${header.replace('00-', '01-')}-extra`)).toBeDefined());
});
