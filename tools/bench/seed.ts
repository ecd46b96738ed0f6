/**
 * Stores history as the product would have: through the event store's own commands, in this process, so that every stored
 * message is a decided, encrypted, positioned fact with its read-model row. Nothing is written past them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultLimits } from '@parley/domain/conversation/conversation';
import { newSid, type ConversationSid } from '@parley/domain/sid';
import { createPool } from '@parley/event-store/database';
import { DataKeys } from '@parley/event-store/data-keys';
import { GroupCommit } from '@parley/event-store/group-commit';
import { SecretBox } from '@parley/event-store/secret-box';
import { Streams } from '@parley/event-store/streams';
import type { Member } from './member-socket.ts';
import { inParallel } from './rest-client.ts';
import type { TestInstallation } from './test-installation.ts';

/** Enough for two appends of 100 to be in flight with the next ones waiting. */
const AT_ONCE = 400;
const CONVERSATIONS_AT_ONCE = 32;
const TEXT = 'Said the one who had been waiting for the parcel since last Thursday, and the other agreed at once.';

/** `hot`: conversations that the load uses as well, they get half of the messages, or that share of them. */
export type SeedPlan = { messages: number; hot: number; cold: number; membersEach: number; hotShare?: number; coldMembersEach?: number };

/** Returns the members of the hot conversations. */
export async function seed(installation: TestInstallation, plan: SeedPlan, say: (line: string) => void): Promise<Member[]> {
  const { databaseUrl, keysDatabaseUrl, accountSid, serviceSid } = installation.info;
  const pool = createPool(databaseUrl, { max: 6, applicationName: 'bench-seed' });
  const keysPool = createPool(keysDatabaseUrl, { max: 1 });
  const commit = new GroupCommit(pool, () => {});
  const keys = new DataKeys(keysPool, new SecretBox(readFileSync(join(installation.home, 'kek'), 'utf8').trim()));
  const seeder = new Seeder(new Streams(pool, commit, keys), accountSid, serviceSid);
  try {
    const hot = await inParallel(plan.hot, CONVERSATIONS_AT_ONCE, (c) => seeder.conversation(`seed-${String(c).padStart(6, '0')}`, plan.membersEach));
    const cold = await inParallel(plan.cold, CONVERSATIONS_AT_ONCE, (c) => seeder.conversation(`cold-${String(c).padStart(6, '0')}`, plan.coldMembersEach ?? plan.membersEach));
    const toHot = Math.floor(plan.messages * (plan.hotShare ?? 0.5));
    const begin = performance.now();
    let done = 0;
    const message = async (members: Member[][], n: number) => {
      await seeder.message(members[n % members.length]!, n);
      if (++done % 100_000 === 0) say(`seed: ${done} messages, ${Math.round(done / ((performance.now() - begin) / 1000))}/s`);
    };
    await inParallel(toHot, AT_ONCE, (n) => message(hot, n));
    await inParallel(plan.messages - toHot, AT_ONCE, (n) => message(cold, n));
    return hot.flat();
  } finally {
    await commit.stop();
    await Promise.all([pool.end(), keysPool.end()]);
  }
}

class Seeder {
  private readonly streams: Streams;
  private readonly account: string;
  private readonly serviceSid: string;

  constructor(streams: Streams, account: string, serviceSid: string) {
    this.streams = streams;
    this.account = account;
    this.serviceSid = serviceSid;
  }

  async conversation(prefix: string, membersEach: number): Promise<Member[]> {
    const sid = newSid('CH');
    const caller = { account: this.account };
    await this.streams.onConversation(caller, sid, () => ({
      type: 'CreateConversation',
      data: {
        conversationSid: sid, chatServiceSid: this.serviceSid as `IS${string}`, messagingServiceSid: null, friendlyName: prefix, uniqueName: null,
        attributes: '{}', state: 'active', timers: {}, email: {}, now: new Date().toISOString(),
      },
    }), { result: null, unique: true });
    const members = Array.from({ length: membersEach }, (_, m): Member => ({ conversationSid: sid, identity: `${prefix}-${String(m).padStart(4, '0')}` }));
    for (const { identity } of members) {
      await this.streams.onConversation(caller, sid, () => ({
        type: 'AddParticipant',
        data: {
          participantSid: newSid('MB'), identity, binding: null, attributes: '{}', roleSid: null, limits: defaultLimits,
          now: new Date().toISOString(),
        },
      }), { result: null, unique: true });
    }
    return members;
  }

  async message(members: readonly Member[], n: number): Promise<void> {
    const { conversationSid, identity } = members[n % members.length]!;
    await this.streams.onConversation({ account: this.account }, conversationSid as ConversationSid, () => ({
      type: 'AddMessage',
      data: {
        messageSid: newSid('IM'), author: identity, body: TEXT, attributes: '{}', media: null, contentSid: null, subject: null,
        source: null, now: new Date().toISOString(),
      },
    }), { result: null });
  }
}
