/** The official command line, `twilio-cli`, on our API: as somebody administers conversations from a shell. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Parley, START_MS, topology } from './installation.js';

const run = promisify(execFile);
const program = join(dirname(createRequire(import.meta.url).resolve('twilio-cli/package.json')), 'bin', 'run');
/** Each command reads the description of every API Twilio has. */
const COMMAND_MS = 180_000;

let parley: Parley;
let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-cli-'));
  parley = await Parley.start();
}, START_MS);
afterAll(async () => {
  await parley?.stop();
  await rm(home, { recursive: true, force: true });
}, START_MS);

/** `twilio api:conversations:v1:<command> … -o json`: what it prints. */
async function twilio(command: string, ...flags: string[]): Promise<any> {
  const { accountSid, apiKeySid, apiKeySecret } = parley.account;
  const env = {
    PATH: process.env['PATH'], HOME: home, XDG_DATA_HOME: home, XDG_CACHE_HOME: home, XDG_CONFIG_HOME: home, PARLEY_URL: parley.url,
    TWILIO_ACCOUNT_SID: accountSid, TWILIO_API_KEY: apiKeySid, TWILIO_API_SECRET: apiKeySecret,
  };
  const preload = join(import.meta.dirname, 'conformance', 'to-parley.cjs');
  const { stdout } = await run(process.execPath, ['--no-deprecation', '--require', preload, program, `api:conversations:v1:${command}`, ...flags, '-o', 'json'], { env, timeout: COMMAND_MS });
  return stdout.trim() === '' ? undefined : JSON.parse(stdout);
}

describe(`twilio-cli (${topology})`, () => {
  it('creates, fetches, updates, lists and removes a conversation with its members and messages', async () => {
    const [created] = await twilio('conversations:create', '--friendly-name', 'From the shell', '--unique-name', 'shell');
    expect(created).toMatchObject({ friendlyName: 'From the shell', uniqueName: 'shell', accountSid: parley.account.accountSid });
    const in_ = ['--conversation-sid', created.sid as string];
    const [[participant], [message]] = await Promise.all([
      twilio('conversations:participants:create', ...in_, '--identity', 'alice'),
      twilio('conversations:messages:create', ...in_, '--author', 'bob', '--body', 'hello from a shell'),
    ]);
    expect([participant.identity, message.body, message.index]).toEqual(['alice', 'hello from a shell', 0]);
    const [[fetched], [updated], messages, conversations] = await Promise.all([
      twilio('conversations:fetch', '--sid', 'shell'), twilio('conversations:update', '--sid', created.sid, '--friendly-name', 'Renamed'),
      twilio('conversations:messages:list', ...in_), twilio('conversations:list', '--page-size', '1'),
    ]);
    expect([fetched.sid, updated.friendlyName, messages.length, conversations.length]).toEqual([created.sid, 'Renamed', 1, 1]);
    await twilio('conversations:remove', '--sid', created.sid);
    // It exits with the thousands of the error's code.
    await expect(twilio('conversations:fetch', '--sid', created.sid)).rejects.toMatchObject({ code: 20 });
  }, 4 * COMMAND_MS);

  it('administers services, roles and users', async () => {
    const [service] = await twilio('services:create', '--friendly-name', 'From the shell');
    const of = ['--chat-service-sid', service.sid as string];
    const [roles, [user]] = await Promise.all([
      twilio('services:roles:list', ...of), twilio('services:users:create', ...of, '--identity', 'carol'),
    ]);
    expect([roles.length, user.identity, user.chatServiceSid]).toEqual([4, 'carol', service.sid]);
    await twilio('services:remove', '--sid', service.sid);
  }, 4 * COMMAND_MS);
});
