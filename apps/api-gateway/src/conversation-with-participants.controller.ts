/**
 * `…/ConversationWithParticipants` (API reference 1.9). The conversation and all its participants are stored at once: it is
 * complete when the caller is answered, or there is none.
 */
import { Controller, Inject, Post, Res } from '@nestjs/common';
import { CONVERSATION_COMMANDS } from '@parley/contracts/command-tokens';
import type { AddParticipant, ConversationCommands, CreateConversation } from '@parley/contracts/commands';
import { createConversationWithParticipants } from '@parley/contracts/rest/conversation-with-participants';
import type { ServiceSid } from '@parley/domain/sid';
import type { FastifyReply } from 'fastify';
import { BindingRules } from './binding-rules.js';
import { families, Form, TheCall, type Call } from './call.js';
import { conversationWithParticipantsJson } from './conversation-json.js';
import { conversationBy, type ConversationRow } from './conversations.sql.js';
import { NotFound } from './error-answer.js';
import { Hooks } from './hooks.js';
import { Reads } from './reads.js';
import { ServiceLookup } from './service-lookup.js';

@Controller(families('ConversationWithParticipants'))
export class ConversationWithParticipantsController {
  constructor(
    @Inject(CONVERSATION_COMMANDS) private readonly commands: ConversationCommands,
    @Inject(Hooks) private readonly hooks: Hooks,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(BindingRules) private readonly bindings: BindingRules,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  /** 201; with participants 202, though nothing is left to wait for. */
  @Post()
  async create(
    @TheCall() call: Call, @Form(createConversationWithParticipants) data: Omit<CreateConversation, 'chatServiceSid'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    await this.services.mustExist(call);
    const participants: AddParticipant[] = [];
    for (const participant of data.participants ?? []) participants.push(await this.allowed(call, participant));
    const group = participants.flatMap((participant) => participant.group ?? []);
    const groupMembersMax = group.length > 0 ? await this.bindings.groupMembersMax(call, group) : undefined;
    const asked = await this.hooks.conversationAdd(call, data);
    const { conversationSid } = await this.commands.createConversation(
      call.caller, { ...asked, participants, ...(groupMembersMax !== undefined && { groupMembersMax }), chatServiceSid: call.service as ServiceSid });
    const [row] = await this.reads.query<ConversationRow>(conversationBy('sid')(call.account.sid, call.service, conversationSid));
    if (!row) throw new NotFound();
    reply.code(participants.length > 0 ? 202 : 201);
    return conversationWithParticipantsJson(call, row);
  }

  private async allowed(call: Call, participant: AddParticipant): Promise<AddParticipant> {
    const roleSid = await this.services.conversationRole(call, participant.roleSid ?? undefined);
    const binding = participant.binding && (await this.bindings.allowed(call, participant.binding));
    return { ...participant, roleSid, binding };
  }
}
