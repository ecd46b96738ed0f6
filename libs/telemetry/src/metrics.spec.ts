import { Metrics } from './metrics.js';

describe('Metrics', () => {
  it('exposes counters, gauges and histograms in the text format', () => {
    const metrics = new Metrics();
    metrics.counter('sent_total', 'Sent.').add(2, { channel: 'sms' });
    metrics.counter('sent_total', 'Sent.').add(1, { channel: 'sms' });
    metrics.gauge('sockets', 'Open.', () => 7);
    const seconds = metrics.histogram('took_seconds', 'Took.', [0.1, 1]);
    for (const took of [0.05, 0.5, 0.7, 3]) seconds.observe(took);
    expect(metrics.expose()).toBe(`# HELP sent_total Sent.
# TYPE sent_total counter
sent_total{channel="sms"} 3
# HELP sockets Open.
# TYPE sockets gauge
sockets 7
# HELP took_seconds Took.
# TYPE took_seconds histogram
took_seconds_bucket{le="0.1"} 1
took_seconds_bucket{le="1"} 3
took_seconds_bucket{le="+Inf"} 4
took_seconds_sum 4.25
took_seconds_count 4
`);
  });
  it('escapes label values', () => {
    const metrics = new Metrics();
    metrics.counter('c', 'C.').add(1, { path: 'a"b\\c\nd' });
    expect(metrics.expose()).toContain('c{path="a\\"b\\\\c\\nd"} 1');
  });
  it('does not grow without bound when a label is not from a fixed set', () => {
    const metrics = new Metrics();
    const counter = metrics.counter('c', 'C.');
    for (let i = 0; i < 1_000; i++) counter.add(1, { id: i });
    expect(metrics.expose().split('\n').length).toBeLessThan(210);
    expect(metrics.expose()).toContain('c{overflow="other"} 800');
  });
});
