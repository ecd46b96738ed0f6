import { newSid, type ConversationSid, type ServiceSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { GroupCommit } from '@parley/event-store/group-commit';
import { Streams } from '@parley/event-store/streams';
import { ParticipantService } from './participant-commands.js';
import { RegistryService } from './registry-commands.js';

let db: TestDatabase;
let commit: GroupCommit;
let streams: Streams;
let service: ParticipantService;
const caller = { account: newSid('AC') };
const chatServiceSid: ServiceSid = newSid('IS');
beforeAll(async () => {
  db = await testDatabase();
  commit = new GroupCommit(db.pool, () => {});
  streams = new Streams(db.pool, commit, db.keys);
  const config = { participantsMax: 1000, nonChatParticipantsMax: 50, conversationsPerUserMax: 1000 };
  service = new ParticipantService(streams, db.pool, config as never, new RegistryService(streams, db.pool));
});
afterAll(async () => {
  await commit.stop();
  await db.drop();
});

async function conversation(): Promise<ConversationSid> {
  const conversationSid = newSid('CH');
  await streams.onConversation(caller, conversationSid, () => ({
    type: 'CreateConversation',
    data: {
      conversationSid, chatServiceSid, messagingServiceSid: null, friendlyName: null, uniqueName: null, attributes: '{}', state: 'active',
      timers: {}, email: {}, now: new Date().toISOString(),
    },
  }), { result: null });
  return conversationSid;
}
const sms = (proxyAddress: string) => ({ binding: { type: 'sms' as const, address: '+15550200001', proxyAddress } });

it('a refused pair names the conversation that has it, also when a participant moves to it', async () => {
  const [owner, other] = [await conversation(), await conversation()];
  await service.addParticipant(caller, owner, sms('+15550100001'));
  const refused = { code: 'address_pair_in_use', details: { conversationSid: owner } };
  await expect(service.addParticipant(caller, other, sms('+15550100001'))).rejects.toMatchObject(refused);
  const { participantSid } = await service.addParticipant(caller, other, sms('+15550100002'));
  await expect(service.updateParticipant(caller, other, participantSid, { proxyAddress: '+15550100001' })).rejects.toMatchObject(refused);
});
