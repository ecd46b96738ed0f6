/** `…/Conversations/{Sid}/Participants` (API reference 1.7 and 3.4). */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { PARTICIPANT_COMMANDS } from '@parley/contracts/command-tokens';
import type { AddParticipant, ParticipantCommands, UpdateParticipant } from '@parley/contracts/commands';
import type { Paging } from '@parley/contracts/rest/paging';
import { createParticipant, updateParticipant } from '@parley/contracts/rest/participants';
import { isSid, type ConversationSid, type ParticipantSid } from '@parley/domain/sid';
import { BindingRules } from './binding-rules.js';
import { families, Form, PagingOf, TheCall, type Call } from './call.js';
import { ConversationLookup, mustBeText, namedBy } from './conversation-lookup.js';
import { NotFound } from './error-answer.js';
import { Hooks } from './hooks.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { participantJson } from './participant-json.js';
import { participantBy, participantsPage, type FoundParticipant, type ParticipantRow } from './participants.sql.js';
import { Repetitions } from './repetitions.js';
import { Reads } from './reads.js';
import { ServiceLookup } from './service-lookup.js';

@Controller(families('Conversations/:ConversationSid/Participants'))
export class ParticipantsController {
  constructor(
    @Inject(PARTICIPANT_COMMANDS) private readonly commands: ParticipantCommands,
    @Inject(Hooks) private readonly hooks: Hooks,
    @Inject(ConversationLookup) private readonly conversations: ConversationLookup,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(BindingRules) private readonly bindings: BindingRules,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Post()
  async create(@TheCall() call: Call, @Param('ConversationSid') conversation: string, @Form(createParticipant) data: AddParticipant): Promise<string> {
    const sid = await this.conversations.sidOf(call, conversation);
    const roleSid = await this.services.conversationRole(call, data.roleSid ?? undefined);
    const groupMembersMax = data.group && (await this.bindings.groupMembersMax(call, [data.group], sid));
    const add = async (binding: AddParticipant['binding']) => {
      await this.hooks.participantAdd(call, sid, { ...data, roleSid, binding });
      return this.commands.addParticipant(call.caller, sid, { ...data, roleSid, binding, ...(groupMembersMax !== undefined && { groupMembersMax }) });
    };
    const { participantSid } = await (data.binding ? this.bindings.withAllowed(call, data.binding, add) : add(data.binding));
    return this.fetch(call, sid, participantSid);
  }

  @Get()
  async list(@TheCall() call: Call, @Param('ConversationSid') conversation: string, @PagingOf(100) paging: Paging): Promise<string> {
    const cursor = readPageToken(paging.PageToken, 'participants', ([sid]) => (sidOfKind(sid, 'MB') ? ([sid] as const) : undefined));
    const back = cursor?.back ?? false;
    const found = await this.reads.query<FoundParticipant>(participantsPage(namedBy(conversation), back)(
      call.account.sid, call.service, mustBeText(conversation), cursor?.key[0] ?? '', paging.PageSize + 1));
    if (!found[0]) throw new NotFound();
    const sid = found[0].conversation;
    return listAnswer({
      key: 'participants', url: `${call.base}/Conversations/${sid}/Participants`, list: 'participants', paging, cursor,
      rows: found.filter((row): row is { conversation: string } & ParticipantRow => row.sid !== null),
      keyOf: (row) => [row.sid] as const, json: (row) => participantJson(call, sid, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('Sid') participant: string): Promise<string> {
    const row = await this.find(call, conversation, participant);
    return participantJson(call, row.conversation, row);
  }

  @Post(':Sid')
  @HttpCode(200)
  async update(
    @TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('Sid') participant: string,
    @Form(updateParticipant) asked: UpdateParticipant,
  ): Promise<string> {
    const changes = { ...asked };
    const { sid, conversation: conversationSid, address } = await this.find(call, conversation, participant);
    if (changes.roleSid !== undefined) await this.services.conversationRole(call, changes.roleSid);
    if (typeof changes.proxyAddress === 'string' && address !== null) changes.proxyAddress = await this.bindings.fitting(call, address, changes.proxyAddress);
    const { projectedAddress } = changes;
    const groupMembersMax = typeof projectedAddress === 'string' ? await this.bindings.groupMembersMax(call, [{ projectedAddress }], conversationSid) : undefined;
    if (Object.keys(changes).length > 0) {
      await this.hooks.participantUpdate(call, conversationSid, sid, changes);
      await this.commands.updateParticipant(call.caller, conversationSid as ConversationSid, sid as ParticipantSid, { ...changes, ...(groupMembersMax !== undefined && { groupMembersMax }) });
    }
    return this.fetch(call, conversationSid, sid);
  }

  @Delete(':Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('Sid') participant: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      const found = await this.find(call, conversation, participant);
      await this.hooks.participantRemove(call, found.conversation, found.sid);
      await this.commands.removeParticipant(call.caller, found.conversation as ConversationSid, found.sid as ParticipantSid);
    });
  }

  /** By SID or by identity. */
  private async find(call: Call, conversation: string, participant: string): Promise<{ conversation: string } & ParticipantRow> {
    const query = participantBy(namedBy(conversation), isSid(participant, 'MB') ? 'sid' : 'identity')(
      call.account.sid, call.service, mustBeText(conversation), mustBeText(participant));
    const [found] = await this.reads.query<FoundParticipant>(query);
    if (!found || found.sid === null) throw new NotFound();
    return found;
  }
}
