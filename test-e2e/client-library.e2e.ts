/**
 * The client library of `libs/client` at a real installation: lines that are cut at any moment while people write, tokens that end, a
 * client that comes back hours later, an application that is slow. Whatever happens, what it is told is the log.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ClosedError, ParleyClient, RefusedError, type ConversationEvent, type ParleyClientOptions } from '@parley/client';
import { WebSocket as WebSocketOfWs } from 'ws';
import { accessToken } from '../tools/bench/access-token.ts';
import { BreakableLine } from './breakable-line.js';
import { Parley, START_MS, topology, until } from './installation.js';

const STORY_MS = 180_000;
const CUTS = 12;
const WRITERS = 3;
const repository = join(import.meta.dirname, '..');
const run = promisify(execFile);
let parley: Parley;
const open: ParleyClient[] = [];
beforeAll(async () => { parley = await Parley.start(); }, START_MS);
afterAll(async () => {
  for (const client of open) client.close();
  await parley?.stop();
}, START_MS);

const conversations = () => parley.sdk().conversations.v1.conversations;
async function conversationOf(...identities: string[]): Promise<string> {
  const { sid } = await conversations().create({});
  for (const identity of identities) await conversations()(sid).participants.create({ identity });
  return sid;
}
const say = (sid: string, body: string) => conversations()(sid).messages.create({ author: 'system', body });

function clientOf(identity: string, options: Partial<ParleyClientOptions> = {}): { client: ParleyClient; events: ConversationEvent[] } {
  const client = new ParleyClient({
    url: parley.installation.info.wsUrl, token: () => accessToken(parley.account, identity), backoff: { firstMillis: 50, maxMillis: 200 }, ...options,
  });
  open.push(client);
  const events: ConversationEvent[] = [];
  client.on('event', (event) => void events.push(event));
  return { client, events };
}
const bodies = (events: readonly ConversationEvent[], conversation?: string) =>
  events.flatMap((each) => (each.event === 'onMessageAdded' && (conversation ?? each.conversation) === each.conversation ? [each.data.body] : []));

/** All that was ever told of a conversation, as somebody hears it who never lost a line. */
async function log(sid: string, identity: string): Promise<ConversationEvent[]> {
  const { client, events } = clientOf(identity);
  await client.subscribe([sid], { from: { [sid]: 0 } });
  const last = await say(sid, 'the end');
  await until(async () => events.some((each) => each.event === 'onMessageAdded' && each.data.sid === last.sid), 'the log is read');
  client.close();
  return events;
}

describe(`the client library (${topology})`, () => {
  it(`tells what the log holds, each event once and in order, over ${CUTS} cuts at any moment`, async () => {
    const line = await BreakableLine.to(parley.installation.info.wsUrl);
    const sids = [await conversationOf('carol'), await conversationOf('carol'), await conversationOf('carol')];
    const people = [clientOf('carol', { url: line.url }), clientOf('carol', { url: line.url, WebSocket: WebSocketOfWs })];
    await Promise.all(people.map(({ client }) => client.subscribe('all')));
    let writing = true;
    const writers = Promise.all(Array.from({ length: WRITERS }, async (_, writer) => {
      for (let i = 0; writing; i++) await say(sids[(writer + i) % sids.length]!, `${writer}-${i}`);
    }));
    const downs: number[] = [];
    people[0]!.client.on('disconnected', ({ code }) => downs.push(code));
    for (let cut = 0; cut < CUTS; cut++) {
      if (cut % 2 === 0) await people[0]!.client.connected(); // the others may meet it on its way back
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 200)); // the moment is what is tried
      line.cut();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      line.mend();
    }
    writing = false;
    await writers;
    for (const sid of sids) {
      const logged = await log(sid, 'carol');
      for (const { events } of people) {
        await until(async () => events.at(-1) && bodies(events, sid).at(-1) === 'the end', 'it has heard the end');
        const heard = events.filter(({ conversation }) => conversation === sid);
        expect(heard).toEqual(logged.slice(-heard.length));
        expect(heard.length).toBe(logged.filter(({ position }) => position >= heard[0]!.position).length);
        expect(bodies(heard)).toEqual(bodies(logged));
      }
    }
    expect(downs.length).toBeGreaterThanOrEqual(CUTS / 2); // the cuts were cuts
    await line.close();
  }, STORY_MS);

  it('says what it is told to say once and in order, over a line that is cut meanwhile', async () => {
    const line = await BreakableLine.to(parley.installation.info.wsUrl);
    const sid = await conversationOf('judy');
    const { client, events } = clientOf('judy', { url: line.url });
    await client.subscribe([sid]);
    const words = Array.from({ length: 40 }, (_, i) => `word ${i}`);
    const saying = Promise.all(words.map((word) => client.conversation(sid).send({ body: word, attributes: { loud: true } })));
    for (let cut = 0; cut < 6; cut++) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 80)); // the moment is what is tried
      line.cut();
      line.mend();
    }
    const said = await saying;
    expect(said.map(({ index, author, body, attributes }) => ({ index, author, body, attributes })))
      .toEqual(words.map((body, index) => ({ index, author: 'judy', body, attributes: '{"loud":true}' })));
    await until(async () => bodies(events).length === words.length, 'all come back');
    expect(bodies(events)).toEqual(words);
    const read: (string | null)[] = [];
    for await (const { body } of client.conversation(sid).messages({ order: 'asc', pageSize: 15 })) read.push(body);
    expect(read).toEqual(words);
    expect(await client.conversation(sid).read(37)).toEqual({ index: 37, unread: 2 });
    await expect(client.conversation(sid).send({})).rejects.toMatchObject({ name: 'RefusedError', status: 400, code: 50503 });
    await line.close();
  }, STORY_MS);

  it('goes on after hours: what was missed, what is new from its beginning, and what is gone', async () => {
    const [kept, left] = [await conversationOf('dave', 'erin'), await conversationOf('dave', 'erin')];
    const before = clientOf('dave');
    await before.client.subscribe('all');
    await say(kept, 'heard');
    await until(async () => bodies(before.events).includes('heard'), 'it is heard');
    const kept1 = JSON.stringify(before.client.positions());
    before.client.close();

    for (let i = 0; i < 5; i++) await say(kept, `missed ${i}`);
    await say(left, 'not for him');
    await conversations()(left).participants('dave').remove();
    const fresh = await conversationOf('dave', 'erin');
    await say(fresh, 'welcome');

    const gone: string[] = [];
    const after = clientOf('dave', { positions: JSON.parse(kept1) as Record<string, number> });
    after.client.on('left', ({ conversation }) => void gone.push(conversation));
    await after.client.subscribe('all');
    await say(kept, 'live');
    await say(fresh, 'live too');
    await until(async () => bodies(after.events).filter((body) => body?.startsWith('live')).length === 2, 'it is live');
    expect(bodies(after.events, kept)).toEqual(['missed 0', 'missed 1', 'missed 2', 'missed 3', 'missed 4', 'live']);
    expect(bodies(after.events, fresh)).toEqual(['welcome', 'live too']);
    expect(after.events.find((each) => each.conversation === fresh && each.event === 'onParticipantAdded')).toMatchObject({ data: { identity: 'dave' } });
    expect(gone).toEqual([left]);
    expect(after.events.filter(({ conversation }) => conversation === left)).toEqual([]);
  }, STORY_MS);

  it('has positions of what the application is done with, and hands the rest out again', async () => {
    const sid = await conversationOf('frank');
    const first = clientOf('frank', { waitingMax: 4 });
    const handled: (string | null)[] = [];
    let stuck = false;
    first.client.on('onMessageAdded', async ({ data }) => {
      if (data.body === '5') {
        stuck = true;
        await new Promise(() => {});
      }
      await new Promise(setImmediate);
      handled.push(data.body);
    });
    let pauses = 0;
    first.client.on('disconnected', ({ retryInMillis }) => { if (retryInMillis === undefined) pauses += 1; });
    await first.client.subscribe([sid]);
    const written = Array.from({ length: 12 }, (_, i) => String(i));
    for (const body of written) await say(sid, body);
    await until(async () => stuck, 'it is stuck');
    await until(async () => pauses > 0, 'no more is taken than may wait');
    expect(handled).toEqual(written.slice(0, 5));
    first.client.close();
    const second = clientOf('frank', { positions: first.client.positions() });
    await second.client.subscribe([sid]);
    await until(async () => second.events.length === written.length - handled.length, 'the rest comes');
    expect([...handled, ...bodies(second.events)]).toEqual(written);
  }, STORY_MS);

  it('shows who types and who is there', async () => {
    await parley.sdk().conversations.v1.services(parley.account.serviceSid).configuration().update({ reachabilityEnabled: true });
    const sid = await conversationOf('leo', 'mia');
    const [leo, mia] = [clientOf('leo'), clientOf('mia')];
    const seen: string[] = [];
    leo.client.on('typing', ({ conversation, identity, typing }) => void seen.push(`${conversation === sid} ${identity} ${typing ? 'types' : 'stopped'}`));
    leo.client.on('presence', ({ identity, online }) => void seen.push(`${identity} is ${online ? 'there' : 'away'}`));
    await Promise.all([leo, mia].map(({ client }) => client.subscribe('all')));
    leo.client.watchPresence(['mia']);
    await until(async () => seen.length === 1, 'who is there is told');
    mia.client.conversation(sid).typing();
    await until(async () => seen.length === 2, 'that she types is told');
    await mia.client.conversation(sid).send('typed');
    await until(async () => seen.length === 3, 'that it is said ends it');
    mia.client.close();
    await until(async () => seen.length === 4, 'that she is away is told');
    expect(seen).toEqual(['mia is there', 'true mia types', 'true mia stopped', 'mia is away']);
  }, STORY_MS);

  it('can be read with for await, one event after another', async () => {
    const [sid, other] = [await conversationOf('grace'), await conversationOf('grace')];
    const { client } = clientOf('grace');
    const started = await client.subscribe('all');
    const events = client.events(sid);
    await say(other, 'elsewhere');
    await say(sid, 'one');
    await say(sid, 'two');
    const [read, positions]: [string[], number[]] = [[], []];
    for await (const { position, data } of events) {
      read.push((data as { body: string }).body);
      expect(client.positions()[sid]).toBe(positions.at(-1) ?? started[sid]); // what the loop is not done with is not done
      positions.push(position);
      if (read.length === 1) await say(sid, 'three');
      if (read.length === 3) client.close();
    }
    expect(read).toEqual(['one', 'two', 'three']);
    expect(client.positions()[sid]).toBe(positions.at(-1));
  }, STORY_MS);

  it('gets a new token before one ends, and stays connected', async () => {
    const [short, long] = [accessToken(parley.account, 'heidi', 6), accessToken(parley.account, 'heidi')];
    const given: string[] = [];
    const { client } = clientOf('heidi', { token: () => { given.push(given.length === 0 ? short : long); return given.at(-1)!; } });
    const seen: unknown[] = [];
    client.on('disconnected', (end) => seen.push(end));
    const ends = new Promise<string | null>((resolve) => client.on('connected', ({ expiresAt }) => resolve(expiresAt)));
    const expiresAt = Date.parse((await ends)!);
    await until(async () => Date.now() > expiresAt + 1_200, 'the first token is over');
    await client.subscribe('all');
    expect([given, seen]).toEqual([[short, long], []]);
  }, STORY_MS);

  it('does what its documentation shows', async () => {
    const [, example] = /```sh\n(.*?)```/s.exec(readFileSync(join(repository, 'docs', 'client-library.md'), 'utf8'))!;
    const { stdout } = await run('bash', ['-c', example!], { cwd: repository, env: { ...process.env, NODE_OPTIONS: '', PARLEY_HOME: parley.installation.home } });
    expect(stdout.split('\n')).toEqual(['alice says: Tea?', 'bob answers: With milk, please', '']);
  }, STORY_MS);

  it('is a package that works and has its types where there is nothing else', async () => {
    const home = await mkdtemp(join(tmpdir(), 'parley-client-'));
    try {
      const [{ filename, files }] = JSON.parse((await run('npm', ['pack', '--json', '--offline', '--pack-destination', home], { cwd: join(repository, 'libs', 'client') })).stdout) as
        [{ filename: string; files: { path: string }[] }];
      expect(files.map(({ path }) => path).filter((path) => !/^(dist|src)\/[\w-]+\.(d\.ts|js|js\.map|ts)$/.test(path)).sort()).toEqual(['LICENSE', 'README.md', 'package.json']);
      expect(files.filter(({ path }) => /spec|testing/.test(path))).toEqual([]);
      const folder = join(home, 'node_modules', '@parley', 'client');
      await mkdir(folder, { recursive: true });
      await run('tar', ['-xzf', join(home, filename), '-C', folder, '--strip-components=1']);
      await writeFile(join(home, 'app.ts'), `
        import { ParleyClient, type Message } from '@parley/client';
        const client = new ParleyClient({ url: process.argv[2]!, token: process.argv[3]! });
        client.on('onMessageAdded', ({ data }) => { const index: number = data.index; return index; });
        // @ts-expect-error: a receipt has no body
        client.on('onDeliveryUpdated', ({ data }) => data.body);
        const send: (text: string) => Promise<Message> = (text) => client.conversation('CH').send(text);
        console.log((await client.connected()).identity, typeof send);
        client.close();
        declare const process: { argv: string[] };`);
      await writeFile(join(home, 'package.json'), '{"type":"module"}');
      await writeFile(join(home, 'tsconfig.json'), '{"compilerOptions":{"noEmit":true,"strict":true,"module":"nodenext","target":"es2022","lib":["es2022","dom"],"types":[]}}');
      const compiled = await run(join(repository, 'node_modules', '.bin', 'tsc'), ['-p', home]).catch(({ stdout }: { stdout: string }) => ({ stdout }));
      expect(compiled.stdout).toBe('');
      const { stdout } = await run(process.execPath, [join(home, 'app.ts'), parley.installation.info.wsUrl, accessToken(parley.account, 'kate')], { cwd: home, env: { PATH: process.env['PATH'] } });
      expect(stdout).toBe('kate function\n');
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  }, STORY_MS);

  it('says why it cannot go on', async () => {
    const { client } = clientOf('ivan', { token: 'nonsense' });
    await expect(client.subscribe('all')).rejects.toMatchObject({ name: 'ClosedError', code: 4001, message: expect.stringMatching(/token/i) });
    expect(await client.subscribe('all').catch((error: unknown) => error)).toBeInstanceOf(ClosedError);
    const ivan = clientOf('ivan').client;
    const nobodys = `CH${'0'.repeat(32)}`;
    const sid = await conversationOf('ivan');
    const error = await ivan.subscribe([sid, nobodys]).catch((error: unknown) => error as RefusedError);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ code: 20404, details: { conversations: [nobodys] } });
    expect(Object.keys(ivan.positions())).toEqual([sid]);
  }, STORY_MS);
});
