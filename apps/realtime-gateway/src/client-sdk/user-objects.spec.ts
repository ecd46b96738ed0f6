/** What a user is in, while it is read and while it changes: reads answer when the spec says so. */
import type { LogEvent } from '@parley/domain/event';
import type { ClientSession } from './client-session.js';
import type { MineRow } from './sync-data.js';
import type { SyncReads } from './sync-reads.js';
import { UserObjects } from './user-objects.js';

const conversation = `CH${'1'.repeat(32)}`;
const row = (participant_sid: string): MineRow => ({ conversation, participant_sid, last_read_message_index: null, notification_level: 'default' });
const fact = (type: string, data: object) => ({ type, account: 'AC1', conversation, data }) as unknown as LogEvent;

class World {
  /** Reads under way. */
  readonly reading: ((rows: MineRow[]) => void)[] = [];
  readonly told: string[] = [];
  readonly users = new UserObjects({ mine: () => this.read(), mineOf: () => this.read() } as unknown as SyncReads, () => Promise.resolve(false), () => {});
  private chain: Promise<void> = Promise.resolve();
  readonly session = {
    open: true, principal: { account: 'AC1', service: 'IS1', identity: 'alice' }, mine: `US${'2'.repeat(32)}`, memberships: undefined as Map<string, string> | undefined, nextMineId: () => 1,
    inOrder: (work: () => Promise<void>) => (this.chain = this.chain.then(work)),
    send: (frame: Buffer) => void this.told.push(/map_item_(\w+)/.exec(String(frame))![1]!),
  };
  get client(): ClientSession { return this.session as unknown as ClientSession; }
  private read(): Promise<MineRow[]> { return new Promise((resolve) => this.reading.push(resolve)); }
  async turn(): Promise<void> { await new Promise((resolve) => setImmediate(resolve)); }
}

it('forgets who left while it was read that he had joined', async () => {
  const world = new World();
  const following = world.users.follow(world.client);
  world.reading.shift()!([]);
  await following;
  world.users.publish(fact('ParticipantAdded', { identity: 'alice', participantSid: 'MB1' }));
  await world.turn();
  world.users.publish(fact('ParticipantRemoved', { participantSid: 'MB1' }));
  world.reading.shift()!([row('MB1')]); // as it was a moment before
  await world.turn();
  expect([world.told, world.users.inConversation(conversation).size, world.session.memberships!.size]).toEqual([[], 0, 0]);
});

it('forgets who left while his read horizon was read, and tells him so', async () => {
  const world = new World();
  const following = world.users.follow(world.client);
  world.reading.shift()!([row('MB1')]);
  await following;
  world.users.publish(fact('ParticipantUpdated', { participantSid: 'MB1', lastReadMessageIndex: 3 }));
  await world.turn();
  world.users.publish(fact('ParticipantRemoved', { participantSid: 'MB1' }));
  world.reading.shift()!([row('MB1')]);
  await world.turn();
  expect([world.told, world.users.inConversation(conversation).size]).toEqual([['removed'], 0]);
});

it('keeps nothing of a client that went while it was read', async () => {
  const world = new World();
  const following = world.users.follow(world.client);
  world.session.open = false;
  world.users.remove(world.client);
  world.reading.shift()!([row('MB1')]);
  await following;
  expect(world.users.size).toBe(0);
  expect(await world.users.follow(world.client)).toEqual([]);
  expect(world.users.size).toBe(0);
});
