/**
 * Where a message from outside goes (API reference 3.10): to the open conversation of its group or its address pair, else to a new
 * one when the address it was sent to opens conversations. What names others is of their group first: the pair is of two. Every step has a key made of the carrier's message id, so a
 * repetition, also after a crash between two steps, ends in the same conversation with the same message.
 */
import type {
  AutoCreation, Caller, ConversationCommands, InboundChange, InboundMessage, InboundRouting, ParticipantCommands, RegistryCommands, RouterCommands,
} from '@parley/contracts/commands';
import { DomainError, type DomainErrorCode } from '@parley/domain/domain-error';
import type { ConversationSid, ServiceSid } from '@parley/domain/sid';
import type { WebhookMark } from '@parley/domain/webhook-mark';
import type { Accounts } from '@parley/event-store/accounts';
import { derivedSid } from '@parley/event-store/derived-sid';
import type { AddressBook } from './address-book.js';
import { isRefusedByHook, type InboundHooks } from './inbound-hooks.js';
import type { GroupBook, GroupOpening } from './group-book.js';
import type { MailBook } from './mail-book.js';
import { routeMail } from './mail-routing.js';

/** Conversations may be closed while a message is on its way to them; more often than this it is not looked up again. */
const LOOKUPS_MAX = 3;

export class InboundRouter implements RouterCommands {
  constructor(
    private readonly addressBook: AddressBook,
    private readonly accounts: Pick<Accounts, 'find'>,
    private readonly conversations: ConversationCommands,
    private readonly participants: ParticipantCommands,
    private readonly registry: Pick<RegistryCommands, 'create' | 'remove'>,
    private readonly hooks: Pick<InboundHooks, 'patience' | 'messageAdd' | 'conversationAdd' | 'participantAdd'>,
    private readonly mailBook: Pick<MailBook, 'placeOf' | 'senderFor'>,
    private readonly groups: Pick<GroupBook, 'placeOf' | 'openingOf'>,
  ) {}

  /** Throws DomainError `unavailable` or `overloaded` when it may succeed later. */
  async routeInbound(account: string, given: InboundMessage): Promise<InboundRouting> {
    const caller = { account, key: `in:${given.providerMessageId}`, webhook: { source: given.channel.toUpperCase() } };
    const until = this.hooks.patience();
    for (let lookup = 1; ; lookup++) {
      try {
        const { message: written, conversation, apart, join } = await routeMail(this.mailBook, account, given);
        const group = written.group ? await this.groups.placeOf(account, written) : undefined;
        if (group === 'told') return { outcome: 'told' };
        const pair = conversation ?? group?.conversationSid ?? (apart ? undefined : await this.addressBook.find(account, written.from, written.to));
        const opening = pair === undefined && written.group ? await this.groups.openingOf(account, written) : undefined;
        if (opening === 'told') return { outcome: 'told' };
        if (opening) return await this.openGroup(caller, written, opening, { until, lookup });
        const message = group ? written : withOthers(written);
        const known = pair ?? (await this.groupOfTwo(account, message));
        const otherWay = known === undefined && !apart ? await this.addressBook.otherWay(account, message.channel, message.from, message.to) : undefined;
        const conversationSid = known ?? otherWay?.conversationSid ?? (message.echo ? undefined : await this.open(caller, message, until, apart));
        if (conversationSid === undefined) return { outcome: 'unrouted' };
        if (join.includes(message.from)) await this.join(caller, conversationSid, message.from, message.to);
        const from = otherWay?.address ?? message.from;
        const { messageSid, index } = await this.conversations.addMessage(caller, conversationSid, await this.hooks.messageAdd(caller, conversationSid, {
          ...(message.echo ? { author: message.to, heldBy: from } : { author: from }), body: message.body, media: message.media, source: message.channel, subject: message.email?.subject ?? null,
          ...(message.attributes !== undefined && { attributes: message.attributes }),
        }, until));
        // They have this one already.
        for (const address of join) if (address !== message.from) await this.join(caller, conversationSid, address, message.to);
        return { outcome: 'routed', conversationSid, messageSid, index, created: known === undefined && !otherWay };
      } catch (error) {
        if (isRefusedByHook(error)) return { outcome: 'unrouted' };
        // Stored before, and deleted by somebody since.
        if (isRefusal(error, 'message_not_found')) return { outcome: 'unrouted' };
        if (lookup === LOOKUPS_MAX || !isRefusal(error, 'conversation_closed', 'conversation_not_found', 'group_exists')) throw error;
      }
    }
  }

  async changeInbound(account: string, change: InboundChange): Promise<void> {
    const caller = { account, key: `in:${change.key}`, webhook: { source: change.channel.toUpperCase() } };
    try {
      if (change.kind === 'edited') await this.conversations.updateMessage(caller, change.conversationSid, change.messageSid, { body: change.body });
      else if (change.kind === 'deleted') await this.conversations.deleteMessage(caller, change.conversationSid, change.messageSid);
      else await this.move(caller, change);
    } catch (error) {
      if (!isRefusal(error, 'message_not_found', 'conversation_not_found', 'conversation_closed', 'participant_not_found')) throw error;
    }
  }

  /** They are reached where they are now. Where that pair has a conversation already, the old one stays as it is. */
  private async move(caller: Caller, { from, to, newAddress }: Extract<InboundChange, { kind: 'moved' }>): Promise<void> {
    for (const { conversationSid, participantSid } of await this.addressBook.participants(caller.account, from, to))
      try {
        await this.participants.updateParticipant(step(caller, participantSid), conversationSid, participantSid, { address: newAddress });
      } catch (error) {
        if (!isRefusal(error, 'address_pair_in_use', 'conversation_closed', 'conversation_not_found', 'participant_not_found')) throw error;
      }
  }

  /** A person and a number of ours alone are a group as well, where they were made one. Asked only when the pair is nobody's. */
  private async groupOfTwo(account: string, message: InboundMessage): Promise<ConversationSid | undefined> {
    if (message.channel !== 'sms') return undefined;
    const place = await this.groups.placeOf(account, message);
    return typeof place === 'object' ? place.conversationSid : undefined;
  }

  /** Its members, its first message and the conversation are stored at once (3.5): there is no half of a group. Throws `group_exists` when somebody was faster. */
  private async openGroup(caller: Caller, message: InboundMessage, { autoCreation, participants, others }: Exclude<GroupOpening, 'told' | undefined>, { until, lookup }: { until: number; lookup: number }): Promise<InboundRouting> {
    const { account } = caller;
    const service = await this.serviceFor(account, autoCreation);
    const asked = await this.hooks.conversationAdd(caller, service, message, until);
    // Before there is anything to be told of: its SID follows from the key. One that was withdrawn does not come back under its name.
    const name = lookup === 1 ? 'webhook' : `webhook ${lookup}`;
    const webhook = await this.attachWebhook(caller, derivedSid('CH', account, caller.key!), autoCreation, name);
    try {
      const { conversationSid, messageSid } = await this.conversations.createConversation(opening(caller, { address: others.join(','), authorAddress: message.from, body: message.body }), {
        chatServiceSid: service, ...asked, participants,
        message: { author: message.from, body: message.body, media: message.media, source: message.channel, ...(message.attributes !== undefined && { attributes: message.attributes }) },
      });
      return { outcome: 'routed', conversationSid, messageSid: messageSid!, index: 0, created: true };
    } catch (error) {
      if (webhook !== undefined && isRefusal(error, 'group_exists')) await this.registry.remove({ account, key: `${caller.key}:withdrawal of ${name}` }, 'ConversationWebhook', webhook);
      throw error;
    }
  }

  /** A conversation for this pair: a new one, or that of whoever was faster. undefined: this address opens none. */
  private async open(caller: Caller, message: InboundMessage, until: number, apart = false): Promise<ConversationSid | undefined> {
    const { from, to, channel, body } = message;
    const autoCreation = await this.addressBook.autoCreation(caller.account, to);
    if (!autoCreation) return undefined;
    const service = await this.serviceFor(caller.account, autoCreation);
    const { conversationSid } = await this.conversations.createConversation(opening(step(caller, 'conversation'), { address: from, proxyAddress: to, body }), {
      chatServiceSid: service, ...(await this.hooks.conversationAdd(caller, service, message, until)),
    });
    // Before the sender joins: from then on others find the conversation, and its webhook must be told of all they say.
    await this.attachWebhook(caller, conversationSid, autoCreation);
    if (apart) return conversationSid;
    try {
      await this.hooks.participantAdd(caller, service, conversationSid, message, until);
      await this.participants.addParticipant(step(caller, 'participant'), conversationSid, {
        binding: { type: channel, address: from, proxyAddress: to },
      });
      return conversationSid;
    } catch (error) {
      const inUse = isRefusal(error, 'address_pair_in_use');
      if (!inUse && !isRefusedByHook(error)) throw error;
      await this.conversations.deleteConversation({ account: caller.account, key: `${caller.key}:withdrawal` }, conversationSid);
      if (!inUse) throw error;
      return (error.details['conversationSid'] as ConversationSid | undefined) ?? this.addressBook.find(caller.account, from, to);
    }
  }

  /** By mail. Who cannot join, for example because they have a conversation with this address, does not. */
  private async join(caller: Caller, conversation: ConversationSid, address: string, proxyAddress: string): Promise<void> {
    try {
      await this.participants.addParticipant(step(caller, `join ${address}`), conversation, { binding: { type: 'email', address, proxyAddress } });
    } catch (error) {
      if (!(error instanceof DomainError) || ['unavailable', 'overloaded', 'conversation_closed', 'conflicting_modification'].includes(error.code)) throw error;
    }
  }

  /** What an address of type `webhook` or `studio` gives each conversation it opens (API reference 1.2). */
  private async attachWebhook({ account, key }: Caller, conversation_sid: ConversationSid, auto: AutoCreation, name = 'webhook'): Promise<string | undefined> {
    if (auto.type === 'default') return undefined;
    const sid = derivedSid('WH', account, `${key}:${name}`);
    const at = new Date().toISOString();
    await this.registry.create({ account, key: `${key}:${name}` }, 'ConversationWebhook', {
      sid, conversation_sid, target: auto.type, triggers: null, replay_after: null,
      url: null, method: null, filters: null, flow_sid: null, ...(auto.type === 'webhook' ? webhookOf(auto) : { flow_sid: auto.studio_flow_sid }),
      created_at: at, updated_at: at,
    });
    return sid;
  }

  private async serviceFor(account: string, { conversation_service_sid }: AutoCreation): Promise<ServiceSid> {
    if (conversation_service_sid) return conversation_service_sid as ServiceSid;
    const known = await this.accounts.find(account);
    if (!known) throw new DomainError('unavailable');
    return known.defaultChatServiceSid as ServiceSid;
  }
}

const step = (caller: Caller, name: string): Caller => ({ ...caller, key: `${caller.key}:${name}` });

/** A conversation's webhook names its method in lower case, an address in upper case. */
const webhookOf = ({ webhook_url, webhook_method = 'POST', webhook_filters = [] }: AutoCreation) =>
  ({ url: webhook_url, method: webhook_method.toLowerCase(), filters: webhook_filters });

/** Webhooks are told what opened the conversation. */
const opening = (caller: Caller, by: NonNullable<WebhookMark['opening']>): Caller =>
  (caller.webhook ? { ...caller, webhook: { ...caller.webhook, opening: by } } : caller);

/** Who else got what is in nobody's group: whoever answers should know that its author alone does. */
function withOthers({ group, ...message }: InboundMessage): InboundMessage {
  if (!group) return message;
  const attributes = JSON.parse(message.attributes ?? '{}') as Record<string, object | undefined>;
  return { ...message, attributes: JSON.stringify({ ...attributes, [message.channel]: { ...attributes[message.channel], group } }) };
}

const isRefusal = (error: unknown, ...codes: DomainErrorCode[]): error is DomainError =>
  error instanceof DomainError && codes.includes(error.code);
