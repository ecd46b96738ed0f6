/**
 * Scale: two instances of realtime-gateway and of conversation-service. What either appended reaches the sockets of both in
 * order; when one dies its people go on at the other without a gap or double, and who does not come back is offline.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appEnvironment, appProcess } from '../infra/local/apps.mjs';
import { prepareFolder } from '../infra/local/home-folder.mjs';
import type { ManagedProcess } from '../infra/local/managed-process.mjs';
import { freePorts, HOST } from '../infra/local/ports.mjs';
import { Caller, type Places } from './caller.js';
import { START_MS, until } from './installation.js';
import { Member } from './member.js';
import { kill } from './parts.js';
import { Stage } from './stage.js';
import type { Thread } from './thread.js';

const TEST_MS = 180_000;
/** The shortest there is. */
const LEASE_MILLIS = 1_000;
const settings = { PRESENCE_LEASE_MILLIS: String(LEASE_MILLIS) };

describe('two instances of each', () => {
  const others: Record<string, ManagedProcess> = {};
  afterAll(() => Promise.all(Object.values(others).map((part) => part.stop())));
  const stage = new Stage('services', settings);
  /** The same installation, with the websockets of the other instance. */
  let there: Places;

  beforeAll(async () => {
    const { home, info } = stage.parley.installation;
    const { databaseUrl: DATABASE_URL, keysDatabaseUrl: KEYS_DATABASE_URL, natsUrl: NATS_URL, redisUrl: REDIS_URL, restUrl } = info;
    const env = appEnvironment(process.env, {
      ...settings, DATABASE_URL, KEYS_DATABASE_URL, NATS_URL, REDIS_URL, PUBLIC_URL: restUrl, API_URL: restUrl, PARLEY_HOME: home, LOG_LEVEL: 'warn',
      PARLEY_KEK: readFileSync(join(home, 'kek'), 'utf8').trim(), PARLEY_INSTANCE: 'other',
    });
    const otherHome = join(home, 'other');
    prepareFolder(join(otherHome, 'log'));
    const [realtime, commands] = (await freePorts(2)) as [number, number];
    others['realtime-gateway'] = appProcess('realtime-gateway', { home: otherHome, port: realtime, env });
    others['conversation-service'] = appProcess('conversation-service', { home: otherHome, port: commands, env });
    await Promise.all(Object.values(others).map((part) => part.start()));
    there = { ...info, wsUrl: `ws://${HOST}:${realtime}/v1/stream` };
  }, START_MS);

  /** Joins the conversation and connects to the other instance. */
  async function joinThere(thread: Thread, identity: string, places: Places): Promise<Member> {
    await stage.caller.post(`${thread.path}/Participants`, { Identity: identity });
    const member = new Member(new Caller(stage.parley.account, places), thread.sid, identity);
    await member.join();
    return member;
  }

  it('everybody gets everything in one order, whoever appended it and wherever he is connected', async () => {
    const thread = await stage.open('Both instances', { members: 2, sms: 1, whatsapp: 0 });
    for (const identity of ['ann there', 'bob there']) thread.members.push(await joinThere(thread, identity, there));
    await Promise.all([thread.write(60, 8), thread.text(3), thread.invite(3)]);
    await thread.check();
    expect(thread.members.map(({ connections }) => connections)).toEqual([1, 1, 1, 1]);
  }, TEST_MS);

  it('one is killed: its people go on at the other, and who does not is offline when the lease ends', async () => {
    await stage.caller.post(`/v1/Services/${stage.parley.account.serviceSid}/Configuration`, { ReachabilityEnabled: 'true' });
    const online = async (identity: string) => (await stage.caller.get<{ is_online: boolean | null }>(`/v1/Users/${encodeURIComponent(identity)}`)).is_online;
    const thread = await stage.open('Killed instance', { members: 1, sms: 1, whatsapp: 0 });
    const balancer = { ...there };
    for (const identity of ['cat moves', 'dan moves']) thread.members.push(await joinThere(thread, identity, balancer));
    const gone = await joinThere(thread, 'eve leaves', there);
    for (const identity of ['cat moves', 'eve leaves']) await until(async () => (await online(identity)) === true, `${identity} is online`);

    const work = Promise.all([thread.write(60), thread.text(3)]);
    work.catch(() => {}); // told below
    await until(async () => thread.answered >= 10, 'writing has begun');
    await kill(others['realtime-gateway']!);
    const killedAt = Date.now();
    gone.leave();
    balancer.wsUrl = stage.caller.places.wsUrl;
    await until(async () => (await online('eve leaves')) === false, 'who does not come back is offline');
    expect(Date.now() - killedAt).toBeLessThan(LEASE_MILLIS + 20_000); // the lease, and the time to ask; without the setting it would be half a minute
    await work;
    await thread.check();
    expect(thread.members.map(({ connections }) => connections)).toEqual([1, 2, 2]);
    for (const identity of ['Killed instance 0', 'cat moves', 'dan moves']) await until(async () => (await online(identity)) === true, `${identity} is online`);
    expect(await online('eve leaves')).toBe(false);
  }, TEST_MS);

  it('and in the end nothing more came, nothing vanished, and no part ended by itself', () => stage.checkAll());
});
