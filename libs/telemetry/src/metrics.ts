/**
 * Counters, gauges and histograms of the process, read by Prometheus at `/metrics` (text format 0.0.4). Own code: an
 * update is a map lookup and an addition, and nothing is loaded at start (docs/adr/0006). Label values come from fixed
 * sets, never from clients: a name holds at most 200 label combinations, further ones share `other`.
 */
type Labels = Readonly<Record<string, string | number>>;
const SERIES_MAX = 200;
/** Seconds; from a cached read to the 8 s deadline of a command. */
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

abstract class Metric<S> {
  protected readonly series = new Map<string, S>();
  constructor(readonly name: string, readonly help: string, readonly kind: 'counter' | 'gauge' | 'histogram') {}
  protected abstract empty(): S;
  protected abstract lines(labels: string, series: S): string[];

  protected of(labels: Labels | undefined): S {
    const key = labels ? encode(labels) : '';
    const known = this.series.get(key);
    if (known) return known;
    const kept = this.series.size < SERIES_MAX ? key : 'overflow="other"';
    const made = this.series.get(kept) ?? this.empty();
    this.series.set(kept, made);
    return made;
  }

  expose(): string {
    const head = `# HELP ${this.name} ${this.help}\n# TYPE ${this.name} ${this.kind}\n`;
    return head + [...this.series].flatMap(([labels, series]) => this.lines(labels, series)).join('');
  }
}

export class Counter extends Metric<{ value: number }> {
  constructor(name: string, help: string) { super(name, help, 'counter'); }
  protected empty() { return { value: 0 }; }
  add(value = 1, labels?: Labels): void { this.of(labels).value += value; }
  protected lines(labels: string, { value }: { value: number }) { return [sample(this.name, labels, value)]; }
}

/** A value that goes up and down: set where it changes, or read by a function when asked for. */
export class Gauge extends Metric<{ value: number }> {
  constructor(name: string, help: string, private readonly read?: () => number) { super(name, help, 'gauge'); }
  protected empty() { return { value: 0 }; }
  set(value: number, labels?: Labels): void { this.of(labels).value = value; }
  protected lines(labels: string, { value }: { value: number }) { return [sample(this.name, labels, value)]; }
  override expose(): string {
    if (this.read) this.set(this.read());
    return super.expose();
  }
}

type Distribution = { counts: number[]; count: number; sum: number };
export class Histogram extends Metric<Distribution> {
  constructor(name: string, help: string, private readonly bounds: readonly number[] = durationBuckets) {
    super(name, help, 'histogram');
  }
  protected empty(): Distribution { return { counts: new Array(this.bounds.length).fill(0), count: 0, sum: 0 }; }

  /** In the unit the name ends with, normally seconds. */
  observe(value: number, labels?: Labels): void {
    const series = this.of(labels);
    series.count += 1;
    series.sum += value;
    for (let i = 0; i < this.bounds.length; i++)
      if (value <= this.bounds[i]!) { series.counts[i]! += 1; break; }
  }

  protected lines(labels: string, { counts, count, sum }: Distribution) {
    let below = 0;
    const le = (bound: number | string) => (labels ? `${labels},le="${bound}"` : `le="${bound}"`);
    return [
      ...this.bounds.map((bound, i) => sample(`${this.name}_bucket`, le(bound), (below += counts[i]!))),
      sample(`${this.name}_bucket`, le('+Inf'), count),
      sample(`${this.name}_sum`, labels, sum),
      sample(`${this.name}_count`, labels, count),
    ];
  }
}

/** All metrics of one process; modules share `metrics`. Asking for a name again returns what is there. */
export class Metrics {
  private readonly known = new Map<string, Metric<unknown>>();

  counter(name: string, help: string): Counter { return this.once(name, () => new Counter(name, help)); }
  histogram(name: string, help: string, bounds?: readonly number[]): Histogram {
    return this.once(name, () => new Histogram(name, help, bounds));
  }
  /** With `read`, the newest registration wins: a restarted part replaces the closed one. */
  gauge(name: string, help: string, read?: () => number): Gauge {
    if (read) this.known.delete(name);
    return this.once(name, () => new Gauge(name, help, read));
  }
  expose(): string { return [...this.known.values()].map((metric) => metric.expose()).join(''); }

  private once<M extends Metric<any>>(name: string, make: () => M): M {
    const known = this.known.get(name);
    if (known) return known as unknown as M;
    const made = make();
    this.known.set(name, made);
    return made;
  }
}

export const metrics = new Metrics();

const encode = (labels: Labels): string => {
  let text = '';
  for (const name in labels) text += `${text && ','}${name}="${escape(String(labels[name]))}"`;
  return text;
};
const escape = (value: string) => (/[\\"\n]/.test(value) ? value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n') : value);
const sample = (name: string, labels: string, value: number) => `${name}${labels && `{${labels}}`} ${value}\n`;
