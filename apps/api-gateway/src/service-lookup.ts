/** Services of the account: only the service path family has to ask, the default one exists as long as the account. */
import { Inject, Injectable } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import { isSid } from '@parley/domain/sid';
import type { Call } from './call.js';
import { NotFound } from './error-answer.js';
import { prepared, Reads } from './reads.js';

export type ServiceRow = {
  sid: string; account: string; friendly_name: string; default_chat_service_role_sid: string; default_conversation_role_sid: string;
  default_conversation_creator_role_sid: string; created_at: string; updated_at: string;
};
const find = prepared('service', 'select * from model.service where sid = $1 and account = $2');

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
    const service = await this.find(call, call.service);
    if (!service) throw new NotFound();
    if (asked === undefined) return service.default_conversation_role_sid;
    if (asked === service.default_chat_service_role_sid) throw new ApiError(50105);
    if (asked !== service.default_conversation_role_sid && asked !== service.default_conversation_creator_role_sid) throw new ApiError(50109);
    return asked;
  }
}
