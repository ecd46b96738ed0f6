/**
 * `npm start` as a person, a script or a crash meets it: ready, stopped, killed, started again, and the one clear line when it
 * cannot start. Every launcher here gets a home folder of its own below a temporary one, and any free port.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LAUNCHER = join(import.meta.dirname, '..', 'infra', 'local');
const READY_MS = 180_000;
/** The services' 10 s, then the servers. */
const END_MS = 90_000;

type RunInfo = { restUrl: string; mediaUrl: string; serviceSid: string; accountSid: string; authToken: string; pids: Record<string, number> };
type Result = { code: number | null; output: string };

let folder: string;
let home: string;
const launched: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-launcher-'));
  home = join(folder, 'home');
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(async () => {
  await command('stop.mjs'); // whatever a failed test left running
  for (const child of launched.splice(0)) child.kill('SIGKILL');
});

describe('npm start', () => {
  it('writes run.json when everything answers, ends on SIGINT without leaving a process, and keeps the data', async () => {
    const first = launch();
    const before = await running();
    expect((await fetch(`${before.restUrl}/health`)).status).toBe(200);
    const file = await fetch(`${before.mediaUrl}/v1/Services/${before.serviceSid}/Media`, {
      method: 'POST', body: 'hello', headers: { 'Content-Type': 'text/plain', Authorization: `Basic ${btoa(`${before.accountSid}:${before.authToken}`)}` },
    });
    expect(file.status).toBe(201);
    first.kill('SIGINT');
    expect(await ended(first)).toBe(0);
    await allGone(before);
    await expect(access(join(home, 'run.json'))).rejects.toThrow();

    const second = launch();
    const after = await running();
    expect([after.accountSid, after.authToken]).toEqual([before.accountSid, before.authToken]);
    second.kill('SIGTERM');
    expect(await ended(second)).toBe(0);
    await allGone(after);
  }, 2 * (READY_MS + END_MS));

  it('leaves no process when it is killed, and starts again over what that left', async () => {
    const killed = launch();
    const before = await running();
    killed.kill('SIGKILL');
    await allGone(before);

    const again = launch();
    const after = await running(before.pids['launcher']);
    expect(after.accountSid).toBe(before.accountSid);
    again.kill('SIGTERM');
    await ended(again);
  }, 2 * (READY_MS + END_MS));

  it('ends when the process that started it is killed', async () => {
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${join(LAUNCHER, 'start.mjs')}" & wait`], { env: environment(), stdio: 'ignore' });
    launched.push(shell);
    const info = await running();
    shell.kill('SIGKILL');
    await allGone(info);
  }, READY_MS + END_MS);

  it('starts again what ends by itself, at the same place', async () => {
    launch();
    const before = await running();
    for (const name of ['parley', 'postgres'] as const) {
      process.kill(before.pids[name] ?? 0, 'SIGKILL');
      const after = await until(async () => {
        const info = await runInfo();
        return info && info.pids[name] !== before.pids[name] && info.pids[name] ? info : undefined;
      }, READY_MS);
      expect(after.restUrl).toBe(before.restUrl);
    }
    await until(() => fetch(`${before.restUrl}/health`).then(({ status }) => (status === 200 ? true : undefined), () => undefined), READY_MS); // once it has found its database again
  }, READY_MS + 3 * END_MS);

  it('runs each service as a process of its own with --services', async () => {
    launch('--services');
    const { pids, restUrl } = await running();
    for (const service of ['api-gateway', 'realtime-gateway', 'conversation-service', 'carrier-simulator']) expect(alive(pids[service] ?? 0)).toBe(true);
    expect(pids['parley']).toBeUndefined();
    expect((await fetch(`${restUrl}/health`)).status).toBe(200);
  }, READY_MS + END_MS);

  it('returns when ready with --detach, refuses a second start, and npm stop ends it', async () => {
    const detached = await command('start.mjs', ['--detach']);
    expect(detached).toMatchObject({ code: 0, output: expect.stringContaining('curl -u AC') });
    const info = await running();
    expect(await command('start.mjs')).toMatchObject({ code: 1, output: expect.stringMatching(/^parley: Parley already runs .* npm stop.*\n$/) });
    expect(await command('stop.mjs')).toMatchObject({ code: 0, output: expect.stringContaining('stopped') });
    await allGone(info);
    expect(await command('stop.mjs')).toMatchObject({ code: 0, output: expect.stringContaining('nothing runs') });
  }, READY_MS + END_MS);
});

describe('one line that says what to do, and nothing left running', () => {
  it.each<[string, RegExp, () => Promise<Record<string, string>>]>([
    ['a taken port', /^parley: port \d+ is taken.*PORT=0/, async () => ({ PORT: String(await takenPort()) })],
    ['no port', /^parley: PORT=http is not a port/, async () => ({ PORT: 'http' })],
    ['no ports', /^parley: PARLEY_PORTS=30000 are no ports: .*20000-32767/, async () => ({ PARLEY_PORTS: '30000' })],
    ['an unreachable database', /^parley: cannot use the database at 127\.0\.0\.1:1\/x .*DATABASE_URL/, async () => ({ DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x' })],
    ['no NATS', /^parley: nothing answers at 127\.0\.0\.1:1:.*NATS_URL/, async () => ({ NATS_URL: 'nats://127.0.0.1:1' })],
    ['no Redis', /^parley: nothing answers at 127\.0\.0\.1:1:.*REDIS_URL/, async () => ({ REDIS_URL: 'redis://127.0.0.1:1' })],
    ['a data folder of another Postgres', /^parley: .* was made by Postgres 17.*pg_dumpall/, () => dataFolder('PG_VERSION', '17\n')],
    ['a data folder with a damaged version', /^parley: .* is damaged.*restore it from a backup/, () => dataFolder('PG_VERSION', '\0\0')],
    ['a data folder that is none', /^parley: .* is not a Postgres data folder.*restore it from a backup/, () => dataFolder('notes.txt', 'mine')],
    ['a data folder that lacks everything', /^parley: Postgres did not start.*restore it from a backup/, () => dataFolder('PG_VERSION', '18\n')],
    ['a home folder that is a file', /^parley: .* is not a folder/, async () => {
      await writeFile(join(folder, 'file'), '');
      return { PARLEY_HOME: join(folder, 'file') };
    }],
  ])('%s', async (_name, line, prepare) => {
    const env = await prepare();
    const { code, output } = await command('start.mjs', [], env);
    expect(output).toMatch(line);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(1);
    expect(await command('stop.mjs', [], env)).toMatchObject({ output: expect.stringContaining('nothing runs') });
  }, READY_MS);
});

/** Without what the test run itself was given, and without the npm that runs it. */
/** `_` would tell the launcher that whoever runs these tests by nohup means to leave it behind. */
function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(_$|npm_|NODE_OPTIONS$|NODE_ENV$|(DATABASE|KEYS_DATABASE|NATS|REDIS)_URL$)/.test(name));
  return { ...Object.fromEntries(kept), PARLEY_HOME: home, PORT: '0', ...more };
}

function launch(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [join(LAUNCHER, 'start.mjs'), ...args], { env: environment(), stdio: 'ignore' });
  launched.push(child);
  return child;
}

async function command(script: string, args: string[] = [], env: Record<string, string> = {}): Promise<Result> {
  const child = spawn(process.execPath, [join(LAUNCHER, script), ...args], { env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

async function runInfo(): Promise<RunInfo | undefined> {
  const text = await readFile(join(home, 'run.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as RunInfo);
}

/** `not`: a launcher that was killed and left its run.json. */
function running(not?: number): Promise<RunInfo> {
  return until(async () => {
    const info = await runInfo();
    return info && info.pids['launcher'] !== not ? info : undefined;
  }, READY_MS);
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

async function allGone({ pids }: RunInfo): Promise<void> {
  expect(Object.keys(pids).length).toBeGreaterThan(4);
  await until(async () => (Object.values(pids).some(alive) ? undefined : true), END_MS);
}

/** One that has ended and that nobody has waited for yet is not alive: here nobody may ever do so. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return existsSync('/proc/self') === false; // it ended in between, or there is no /proc to ask
  }
}

async function until<T>(check: () => Promise<T | undefined>, ms: number): Promise<T> {
  for (const end = Date.now() + ms; ; ) {
    const result = await check();
    if (result !== undefined) return result;
    if (Date.now() > end) throw new Error(`still not so after ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Taken for as long as this file runs. */
async function takenPort(): Promise<number> {
  const server = createServer().unref();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function dataFolder(file: string, content: string): Promise<Record<string, string>> {
  const place = await mkdtemp(join(folder, 'damaged-'));
  await mkdir(join(place, 'postgres'));
  await writeFile(join(place, 'postgres', file), content);
  return { PARLEY_HOME: place };
}
