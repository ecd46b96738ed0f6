/** Services of the account: only the service path family has to ask, the default one exists as long as the account. */
import { Inject, Injectable } from '@nestjs/common';
import type { CreateConversation } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import type { RoleType } from '@parley/domain/roles';
import { isSid } from '@parley/domain/sid';
import type { Call } from './call.js';
import { NotFound } from './error-answer.js';
import { prepared, Reads } from './reads.js';

export type ServiceRow = {
  sid: string; account: string; friendly_name: string; default_chat_service_role_sid: string; default_conversation_role_sid: string;
  default_conversation_creator_role_sid: string; reachability_enabled: boolean; created_at: string; updated_at: string;
};
const find = prepared('service', 'select * from model.service where sid = $1 and account = $2');
const findRole = prepared('role-type', 'select type from model.role where sid = $1 and account = $2 and chat_service_sid = $3');

@Injectable()
export class ServiceLookup {
  constructor(@Inject(Reads) private readonly reads: Reads) {}

  /** Of this account; undefined when there is none. */
  async find({ account }: Call, sid: string): Promise<ServiceRow | undefined> {
    if (!isSid(sid, 'IS')) return undefined;
    const [row] = await this.reads.query<ServiceRow>(find(sid, account.sid));
    return row;
  }

  /** The service the path names: 404 when it does not exist. */
  async mustExist(call: Call): Promise<void> {
    if (call.ofService && !(await this.find(call, call.service))) throw new NotFound();
  }

  /** A service that a parameter names: 50050 when it does not exist. */
  async mustBeOurs(call: Call, sid: string | undefined): Promise<void> {
    if (sid !== undefined && !(await this.find(call, sid))) throw new ApiError(50050);
  }

  /** The role of a participant who is given none; a role that is given must be one for conversations (50105, 50109). */
  async conversationRole(call: Call, asked: string | undefined): Promise<string> {
    if (asked === undefined) return (await this.own(call)).default_conversation_role_sid;
    const type = await this.roleType(call, asked);
    if (type === undefined) throw new ApiError(50109);
    if (type !== 'conversation') throw new ApiError(50105);
    return asked;
  }

  /** The role of a user, likewise (50102). */
  async serviceRole(call: Call, asked: string | undefined): Promise<string> {
    const { default_chat_service_role_sid } = await this.own(call);
    if (asked === undefined) return default_chat_service_role_sid;
    if ((await this.roleType(call, asked)) !== 'service') throw new ApiError(50102);
    return asked;
  }

  /** A user who makes a conversation is in it from the start, as its creator. */
  async creator(call: Call, identity: string): Promise<Pick<CreateConversation, 'createdBy' | 'participants'>> {
    const { default_conversation_creator_role_sid: roleSid } = await this.own(call);
    return { createdBy: identity, participants: [{ identity, roleSid }] };
  }

  private async own(call: Call): Promise<ServiceRow> {
    const service = await this.find(call, call.service);
    if (!service) throw new NotFound();
    return service;
  }

  /** Of a role of this service; undefined when there is none. */
  async roleType({ account, service }: Call, sid: string): Promise<RoleType | undefined> {
    const [role] = await this.reads.query<{ type: RoleType }>(findRole(sid, account.sid, service));
    return role?.type;
  }
}
