/** Commands on conversations, messages and receipts: SIDs and times are made here, everything else is decided in the domain. */
import { Inject, Injectable } from '@nestjs/common';
import type {
  AddMessage, AddParticipant, Caller, ConversationCommands, CreateConversation, ReportDelivery, UpdateConversation, UpdateMessage,
} from '@parley/contracts/commands';
import type { ConversationState, MessageAdded, Participant, StateChangeReason } from '@parley/domain/conversation/events';
import { numberOf } from '@parley/domain/conversation/group';
import { DomainError } from '@parley/domain/domain-error';
import { newSid, type ConversationSid, type MessageSid } from '@parley/domain/sid';
import { ownerOfGroup, ownerOfPairs } from '@parley/event-store/address-owner';
import { ChatUsers } from '@parley/event-store/chat-users';
import type { Pool } from '@parley/event-store/database';
import { derivedSid } from '@parley/event-store/derived-sid';
import { Streams } from '@parley/event-store/streams';
import type { Config } from '@parley/runtime/config';
import { CONFIG, POOL } from '@parley/runtime/parts';
import { accountDefaults } from './account-defaults.js';
import { keepForWebhooks } from '@parley/webhooks/removed-rows';
import { findMessage, findMessageFact } from './message-reads.js';

const now = () => new Date().toISOString();
/** Their SIDs ascend, so that lists show them in the order given. */
const newParticipants = (participants: readonly AddParticipant[]): Participant[] => {
  const sids = participants.map(() => newSid('MB')).sort();
  return participants.map(({ identity = null, binding = null, attributes = '{}', roleSid = null, group }, at) =>
    ({ participantSid: sids[at]!, identity, binding, attributes, roleSid, ...(group && { group }) }));
};

const newMessage = (data: AddMessage) => ({
  createdAt: data.createdAt, updatedAt: data.updatedAt, messageSid: newSid('IM'), author: data.author ?? 'system', body: data.body ?? null,
  attributes: data.attributes ?? '{}', media: data.media ?? null, contentSid: data.contentSid ?? null, ...(data.content && { content: data.content }),
  subject: data.subject ?? null, source: data.source ?? null, ...(data.heldBy !== undefined && { heldBy: data.heldBy }),
});

@Injectable()
export class ConversationService implements ConversationCommands {
  /** Changes of one message wait for each other, so that each is decided on the message as it is. */
  private readonly inHand = new Map<MessageSid, Promise<unknown>>();

  constructor(
    private readonly streams: Streams,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(CONFIG) private readonly config: Pick<Config, 'participantsMax' | 'nonChatParticipantsMax' | 'conversationsPerUserMax'>,
  ) {}

  async createConversation(caller: Caller, data: CreateConversation): Promise<{ conversationSid: ConversationSid; messageSid?: MessageSid }> {
    // A retry must reach the same shard, so with a key the SID follows from it.
    const conversationSid = caller.key === undefined ? newSid('CH') : derivedSid('CH', caller.account, caller.key);
    const { participants = [], message: first, ...fields } = data;
    const message = first && newMessage(first);
    const { friendlyName = null, uniqueName = null, attributes = '{}', state = 'active', email = {} } = fields;
    const defaults = await accountDefaults(this.pool, caller.account);
    const { messagingServiceSid = defaults.messagingServiceSid } = fields;
    const timers = { ...defaults.timers, ...fields.timers };
    const { participantsMax, nonChatParticipantsMax, conversationsPerUserMax } = this.config;
    const identities = participants.flatMap(({ identity }) => identity ?? []);
    await new ChatUsers(this.streams, this.pool, conversationsPerUserMax).joining(caller, data.chatServiceSid, conversationSid, identities);
    try {
      const { result } = await this.streams.onConversation(
        caller, conversationSid,
        () => ({
          type: 'CreateConversation',
          data: {
            ...fields, conversationSid, messagingServiceSid, friendlyName, uniqueName, attributes, state, timers, email,
            participants: newParticipants(participants), limits: { participantsMax, nonChatParticipantsMax }, ...(message && { message }), now: now(),
          },
        }),
        { result: { conversationSid, ...(message && { messageSid: message.messageSid }) }, unique: true },
      );
      return result;
    } catch (error) {
      if (error instanceof DomainError && error.code === 'group_exists') throw await this.groupExists(caller.account, participants);
      if (!(error instanceof DomainError) || error.code !== 'address_pair_in_use') throw error;
      const owner = await ownerOfPairs(this.pool, caller.account, participants.flatMap(({ binding }) => binding ?? []));
      throw new DomainError('address_pairs_in_use', owner === undefined ? {} : { conversationSid: owner });
    }
  }

  private async groupExists(account: string, participants: readonly AddParticipant[]): Promise<DomainError> {
    const owner = await ownerOfGroup(this.pool, account, participants.flatMap(({ group }) => (group ? [numberOf(group)] : [])));
    return new DomainError('group_exists', owner === undefined ? {} : { conversationSid: owner });
  }

  async updateConversation(caller: Caller, sid: ConversationSid, data: UpdateConversation): Promise<void> {
    const unique = typeof data.uniqueName === 'string' || data.state === 'closed';
    await this.streams.onConversation(
      caller, sid, () => ({ type: 'UpdateConversation', data: { ...data, now: now() } }), { result: { conversationSid: sid }, unique },
    );
  }

  async changeState(caller: Caller, sid: ConversationSid, state: ConversationState, reason: StateChangeReason): Promise<void> {
    await this.streams.onConversation(
      caller, sid, () => ({ type: 'ChangeState', data: { state, reason, now: now() } }), { result: null },
    );
  }

  async applyTimers(caller: Caller, sid: ConversationSid): Promise<void> {
    await this.streams.onConversation(caller, sid, () => ({ type: 'ApplyTimers', data: { now: now() } }), { result: null });
  }

  async deleteConversation(caller: Caller, sid: ConversationSid): Promise<void> {
    await keepForWebhooks(this.pool, caller, 'conversation', sid);
    await this.streams.onConversation(caller, sid, () => ({ type: 'DeleteConversation', data: { now: now() } }), { result: null });
  }

  async addMessage(caller: Caller, sid: ConversationSid, data: AddMessage): Promise<MessageAdded> {
    const message = newMessage(data);
    const { messageSid } = message;
    const { events, result, repeated } = await this.streams.onConversation(
      caller, sid, () => ({ type: 'AddMessage', data: { ...message, now: now() } }), { result: { messageSid } },
    );
    if (repeated) return this.before(sid, result.messageSid);
    return (events.at(-1) as { data: MessageAdded }).data;
  }

  async updateMessage(caller: Caller, sid: ConversationSid, messageSid: MessageSid, data: UpdateMessage): Promise<void> {
    await this.onMessage(sid, messageSid, (index) =>
      this.streams.onConversation(
        caller, sid, () => ({ type: 'UpdateMessage', data: { ...data, messageSid, index, now: now() } }), { result: null },
      ));
  }

  async deleteMessage(caller: Caller, sid: ConversationSid, messageSid: MessageSid): Promise<void> {
    await this.onMessage(sid, messageSid, async (index) => {
      await keepForWebhooks(this.pool, caller, 'message', messageSid);
      await this.streams.onConversation(
        caller, sid, () => ({ type: 'DeleteMessage', data: { messageSid, index, now: now() } }), { result: null },
      );
    });
  }

  async reportDelivery(caller: Caller, conversationSid: ConversationSid, { movesHorizon, ...receipt }: ReportDelivery): Promise<void> {
    const { messageSid, participantSid } = receipt;
    await this.streams.onDelivery(caller, conversationSid, messageSid, { type: 'ReportDelivery', data: { ...receipt, conversationSid, now: now() } });
    const index = movesHorizon && (await findMessage(this.pool, conversationSid, messageSid));
    if (index === undefined) return;
    await this.streams.onConversation(caller, conversationSid, () => ({ type: 'ReadUpTo', data: { participantSid, index, now: now() } }), { result: null });
  }

  private async before(sid: ConversationSid, messageSid: MessageSid): Promise<MessageAdded> {
    const message = await findMessageFact(this.pool, sid, messageSid);
    if (!message) throw new DomainError('message_not_found'); // it was deleted since
    return message;
  }

  private async onMessage(sid: ConversationSid, messageSid: MessageSid, work: (index: number) => Promise<unknown>): Promise<void> {
    const earlier = this.inHand.get(messageSid);
    const mine = (async () => {
      await earlier?.catch(() => {});
      const index = await findMessage(this.pool, sid, messageSid);
      if (index === undefined) throw new DomainError('message_not_found');
      await work(index);
    })();
    this.inHand.set(messageSid, mine);
    try {
      await mine;
    } finally {
      if (this.inHand.get(messageSid) === mine) this.inHand.delete(messageSid);
    }
  }
}
