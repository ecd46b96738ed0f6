import { Logger, redact, setLogLevel } from './logger.js';

describe('Logger', () => {
  const lines: string[] = [];
  const log = new Logger('relay', { shard: 3 }, (line) => lines.push(line));
  const last = () => JSON.parse(lines.at(-1)!) as Record<string, unknown>;
  beforeEach(() => { lines.length = 0; setLogLevel('info'); });
  afterAll(() => setLogLevel('silent'));

  it('writes one JSON line with level, name, message, bound and own fields', () => {
    log.with({ run: 1 }).warn('late', { ms: 12 });
    expect(lines[0]).toMatch(/\n$/);
    expect(last()).toMatchObject({ level: 'warn', logger: 'relay', message: 'late', shard: 3, run: 1, ms: 12 });
    expect(last().time).toMatch(/^\d{4}-.*Z$/);
  });
  it('keeps quiet below its level', () => {
    log.debug('detail');
    setLogLevel('error');
    log.warn('not now');
    expect(lines).toEqual([]);
  });
  it('never shows what people wrote, where they live, or a secret', () => {
    log.info('x', {
      body: 'hello', message_: { author: '+4917', proxyAddress: '+1', participant: [{ identity: 'alice' }] },
      headers: { Authorization: 'Basic x' }, authToken: 't', api_key_secret: 's',
    });
    expect(lines[0]).not.toMatch(/hello|\+4917|alice|Basic|:"t"|:"s"/);
  });
  it('tells what an error was, without the rows a driver attaches', () => {
    const error = Object.assign(new Error('duplicate key'), { code: '23505', detail: 'Key (address)=(+4917)' });
    log.error('failed', { error: new Error('append', { cause: error }) });
    expect(last().error).toMatchObject({ message: 'append', cause: { message: 'duplicate key', code: '23505' } });
    expect(lines[0]).not.toContain('+4917');
  });
  it('bounds depth, length and cycles', () => {
    const loop: Record<string, unknown> = { long: 'x'.repeat(9_000) };
    loop.self = loop;
    expect(JSON.stringify(redact(loop)).length).toBeLessThan(40_000);
  });
});
