import { accessToken } from './access-token.ts';
import { ByteMark } from './byte-mark.ts';
import { BODY_BYTES, emptyBody, MessageMarks, writeBody } from './message-body.ts';
import { monotonicMillis } from './monotonic.ts';
import { cpuBetween } from './process-cpu.ts';
import { isReached } from './scenario.ts';
import { Latencies, median, medianOf } from './statistics.ts';

describe('latencies', () => {
  it('gives exact percentiles, however many there are', () => {
    const latencies = new Latencies();
    for (let i = 100_000; i >= 1; i--) latencies.add(i);
    expect(latencies.percentiles()).toEqual({ count: 100_000, p50: 50_000, p95: 95_000, p99: 99_000, max: 100_000 });
  });
  it('gives zeros for none', () => expect(new Latencies().percentiles()).toEqual({ count: 0, p50: 0, p95: 0, p99: 0, max: 0 }));
});

describe('medians', () => {
  it('of an even number lies between the middle two', () => expect(median([4, 1, 3, 100])).toBe(3.5));
  it('are taken number by number, through objects', () => {
    const round = (rate: number, p99: number) => ({ tool: 'x', rate, answer: { p99 } });
    expect(medianOf([round(1, 9), round(5, 8), round(3, 1)])).toEqual({ tool: 'x', rate: 3, answer: { p99: 8 } });
  });
});

describe('a mark in bytes', () => {
  it('is found wherever it stands, near where it stood or far from it, and nowhere else', () => {
    const mark = new ByteMark('"index":');
    const at = (text: string) => {
      const data = Buffer.from(`##${text}##"index":9`);
      return mark.find(data, 2, data.length - 11);
    };
    expect(at('{"a":1,"index":5}')).toBe(9);
    expect(at('{"a":12,"index":5}')).toBe(10);
    expect(at('{"index":5}')).toBe(3);
    expect(at(`{"a":"${'x'.repeat(500)}","index":5}`)).toBe(510);
    expect(at('{"a":1}')).toBe(-1);
    expect(at('"index":')).toBe(2);
    expect(at('')).toBe(-1);
  });
});

describe('a message body', () => {
  const marks = new MessageMarks('body', 'index');
  const frame = (body: Buffer) => Buffer.from(`{"type":"event","data":{"index":4711,"author":"a","body":"${body.toString('latin1').replaceAll('+', ' ')}"}}`);
  it('tells its age and its index by its bytes', () => {
    const body = Buffer.from(emptyBody());
    expect(body).toHaveLength(BODY_BYTES);
    writeBody(body, 0, monotonicMillis() - 1234);
    const data = frame(body);
    expect(marks.ageOf(data, 0, data.length)).toBeGreaterThanOrEqual(1234);
    expect(marks.ageOf(data, 0, data.length)).toBeLessThan(1234 + 5000);
    expect(marks.indexIn(data, 0, data.length)).toBe(4711);
  });
  it('is found within its frame only', () => {
    const data = Buffer.concat([Buffer.from('{"type":"event"}'), frame(Buffer.from(emptyBody()))]);
    expect(marks.indexIn(data, 0, 16)).toBe(-1);
    expect(marks.ageOf(data, 0, 16)).toBeNaN();
  });
});

it('what others take of the machine is what no process of ours took', () => {
  const spent = cpuBetween({ trees: { a: 1, b: 2 }, machine: 10 }, { trees: { a: 2, b: 2.5 }, machine: 13 });
  expect(spent).toEqual({ trees: { a: 1, b: 0.5 }, others: 1.5 });
});

it('a target is reached at its bound', () => {
  expect(isReached({ figure: '', unit: '', measured: 5, atLeast: 5 })).toBe(true);
  expect(isReached({ figure: '', unit: '', measured: 5.1, atMost: 5 })).toBe(false);
});

it('an access token names identity and service, and is signed', () => {
  const token = accessToken({ accountSid: 'AC1', apiKeySid: 'SK1', apiKeySecret: 's', serviceSid: 'IS1' }, 'alice');
  const [header, claims, signature] = token.split('.');
  expect(JSON.parse(Buffer.from(header!, 'base64url').toString())).toMatchObject({ alg: 'HS256' });
  expect(JSON.parse(Buffer.from(claims!, 'base64url').toString())).toMatchObject({ sub: 'AC1', iss: 'SK1', grants: { identity: 'alice', chat: { service_sid: 'IS1' } } });
  expect(signature).toHaveLength(43);
});
