/** Pre-event webhooks of the REST API: asked between validation and command, their wishes validated like the request. */
import { Inject, Injectable } from '@nestjs/common';
import type { AddMessage, AddParticipant, CreateConversation, UpdateConversation, UpdateMessage, UpdateParticipant } from '@parley/contracts/commands';
import { updateConversation } from '@parley/contracts/rest/conversations';
import { updateMessage } from '@parley/contracts/rest/messages';
import { parameters } from '@parley/contracts/rest/parameters';
import type { PreEvent } from '@parley/contracts/webhook-events';
import { Accounts } from '@parley/event-store/accounts';
import type { WebhookConfiguration } from '@parley/webhooks/configurations';
import {
  conversationParameters, groupFields, mediaJson, messageParameters, participantParameters, userParameters, type ConversationFields, type MessageFields,
  type Parameters, type ParticipantFields, type UserFields,
} from '@parley/webhooks/event-parameters';
import { conversationWishes, formOf, messageWishes, PreHooks } from '@parley/webhooks/pre-hooks';
import { privateTargetsAllowed } from '@parley/webhooks/target-address';
import type { Call } from './call.js';
import { prepared, Reads } from './reads.js';

const configurations = prepared('webhook-configurations', 'select * from model.webhook_configuration where account = $1 and sid = any ($2)');
const rowOf = {
  conversation: prepared('hook-conversation', 'select * from model.conversation where sid = $1 and account = $2'),
  message: prepared('hook-message', 'select m.* from model.message m join model.conversation c on c.sid = m.conversation_sid where m.sid = $1 and c.account = $2'),
  participant: prepared('hook-participant', 'select * from model.participant where sid = $1 and account = $2'),
  user: prepared('hook-user', 'select * from model.chat_user where sid = $1 and account = $2'),
};
const authorSid = prepared('hook-author',
  `select coalesce((select sid from model.participant where conversation_sid = $1 and identity = $2),
                   (select sid from model.participant where conversation_sid = $1 and address = $2 order by sid limit 1)) as sid`);

type Changed<T> = { [K in keyof T]?: T[K] | undefined };

@Injectable()
export class Hooks {
  private readonly hooks: PreHooks;

  constructor(@Inject(Reads) private readonly reads: Reads, @Inject(Accounts) accounts: Accounts) {
    this.hooks = new PreHooks({
      accounts, target: { privateAllowed: privateTargetsAllowed() },
      configurations: (account, service) => reads.query<WebhookConfiguration>(configurations(account, [account, service])),
    });
  }

  /** Each resolves with the data, changed where the target wished so; throws DomainError or ApiError when it must not happen. */
  async conversationAdd<T extends Omit<CreateConversation, 'chatServiceSid'>>(call: Call, data: T): Promise<T> {
    return this.conversation(call, 'onConversationAdd', data, () => conversationParameters({
      ...conversationFields(data), attributes: data.attributes ?? '{}', state: data.state ?? 'active', chat_service_sid: call.service,
    }));
  }

  conversationUpdate<T extends UpdateConversation>(call: Call, sid: string, changes: T): Promise<T> {
    return this.conversation(call, 'onConversationUpdate', changes, async () =>
      conversationParameters({ ...(await this.row<ConversationFields>(call, 'conversation', sid)), ...conversationFields(changes) }));
  }

  async conversationRemove(call: Call, sid: string): Promise<void> {
    await this.ask(call, 'onConversationRemove', async () => conversationParameters(await this.row<ConversationFields>(call, 'conversation', sid)));
  }

  messageAdd<T extends AddMessage>(call: Call, sid: string, message: T): Promise<T> {
    return this.message(call, 'onMessageAdd', message, async () => ({
      ...messageParameters({
        author: message.author ?? 'system', participant_sid: await this.participantOf(sid, message.author ?? 'system'), body: message.body ?? null,
        attributes: message.attributes ?? '{}',
      }, { sid, chat_service_sid: call.service }),
      ...(message.media && { Media: mediaJson(message.media) }),
    }));
  }

  messageUpdate<T extends UpdateMessage>(call: Call, conversation: string, sid: string, changes: T): Promise<T> {
    const { author, body, attributes } = changes;
    return this.message(call, 'onMessageUpdate', changes, async () => messageParameters(
      { ...(await this.row<MessageFields>(call, 'message', sid)), ...mentioned({ author, body, attributes }) },
      { sid: conversation, chat_service_sid: call.service }));
  }

  async messageRemove(call: Call, conversation: string, sid: string): Promise<void> {
    await this.ask(call, 'onMessageRemove', async () =>
      messageParameters(await this.row<MessageFields>(call, 'message', sid), { sid: conversation, chat_service_sid: call.service }));
  }

  async participantAdd(call: Call, conversation: string, { identity, binding, group, attributes = '{}', roleSid }: AddParticipant): Promise<void> {
    await this.ask(call, 'onParticipantAdd', () => participantParameters({
      attributes, ...mentioned({ identity, role_sid: roleSid }),
      ...(binding && { type: binding.type, address: binding.address, proxy_address: binding.proxyAddress }), ...(group && groupFields(group)),
    }, { sid: conversation, chat_service_sid: call.service }));
  }

  async participantUpdate(call: Call, conversation: string, sid: string, changes: UpdateParticipant): Promise<void> {
    const { identity, attributes, roleSid, proxyAddress, projectedAddress } = changes;
    await this.ask(call, 'onParticipantUpdate', async () => participantParameters({
      ...(await this.row<ParticipantFields>(call, 'participant', sid)),
      ...mentioned({ identity, attributes, role_sid: roleSid, proxy_address: proxyAddress, projected_address: projectedAddress }),
    }, { sid: conversation, chat_service_sid: call.service }));
  }

  async participantRemove(call: Call, conversation: string, sid: string): Promise<void> {
    await this.ask(call, 'onParticipantRemove', async () =>
      participantParameters(await this.row<ParticipantFields>(call, 'participant', sid), { sid: conversation, chat_service_sid: call.service }));
  }

  /** `changes`: columns of the user's row. */
  async userUpdate(call: Call, sid: string, changes: Changed<UserFields>): Promise<void> {
    await this.ask(call, 'onUserUpdate', async () => {
      const { DateCreated: _, ...known } = userParameters({ ...(await this.row<UserFields>(call, 'user', sid)), ...mentioned(changes) });
      return known;
    });
  }

  private async conversation<T extends object>(call: Call, event: PreEvent, data: T, fields: () => Parameters | Promise<Parameters>): Promise<T> {
    if (!call.caller.webhook) return data;
    const form = formOf(await this.ask(call, event, fields), conversationWishes);
    return Object.keys(form).length === 0 ? data : { ...data, ...parameters(updateConversation, form) };
  }

  private async message<T extends object>(call: Call, event: PreEvent, data: T, fields: () => Parameters | Promise<Parameters>): Promise<T> {
    if (!call.caller.webhook) return data; // nearly always
    const form = formOf(await this.ask(call, event, fields), messageWishes);
    return Object.keys(form).length === 0 ? data : { ...data, ...parameters(updateMessage, form) };
  }

  private ask({ caller, service }: Call, event: PreEvent, fields: () => Parameters | Promise<Parameters>) {
    return this.hooks.ask(caller, service, event, fields);
  }

  private async row<T extends object>({ account }: Call, kind: keyof typeof rowOf, sid: string): Promise<T> {
    const [row] = await this.reads.query<T>(rowOf[kind](sid, account.sid));
    return row ?? ({} as T);
  }

  private async participantOf(conversation: string, author: string): Promise<string | null> {
    const [row] = await this.reads.query<{ sid: string | null }>(authorSid(conversation, author));
    return row?.sid ?? null;
  }
}

const conversationFields = (c: UpdateConversation): ConversationFields => mentioned({
  friendly_name: c.friendlyName, unique_name: c.uniqueName, attributes: c.attributes, messaging_service_sid: c.messagingServiceSid, state: c.state,
});

/** Without what is undefined: laid over a row it must not cover it. */
const mentioned = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
