/**
 * Requests that come with an access token instead of the account's credentials: looked up is what the rule of the operation
 * (member-rules.ts) asks about. Asked before the controller sees the request.
 */
import { Inject, Injectable } from '@nestjs/common';
import { PARTICIPANT_COMMANDS } from '@parley/contracts/command-tokens';
import type { ParticipantCommands } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import type { Permission } from '@parley/domain/roles';
import { isSid, type ServiceSid } from '@parley/domain/sid';
import { queryOf, type ApiRequest, type Member } from './call.js';
import { mustBeText, namedBy } from './conversation-lookup.js';
import { NotFound } from './error-answer.js';
import { decodeForm } from './form.js';
import { memberRule } from './member-rules.js';
import { prepared, Reads } from './reads.js';

type Rights = {
  user: string | null; service_permissions: Permission[] | null; conversation: string | null; participant: string | null;
  conversation_permissions: Permission[] | null;
};
/** account, service, identity, conversation (null: none is named). */
const rightsBy = (by: 'sid' | 'name') => prepared(`member-rights-${by}`, `
  select u.sid as user, ur.permissions as service_permissions, c.sid as conversation, p.sid as participant, pr.permissions as conversation_permissions
    from model.service s
    left join model.chat_user u on u.chat_service_sid = s.sid and u.identity = $3
    left join model.role ur on ur.sid = u.role_sid
    left join model.conversation c on c.${by === 'sid' ? 'sid' : 'unique_name'} = $4 and c.chat_service_sid = s.sid
    left join model.participant p on p.conversation_sid = c.sid and p.identity = $3
    left join model.role pr on pr.sid = p.role_sid
   where s.sid = $2 and s.account = $1`);
const rights = { sid: rightsBy('sid'), name: rightsBy('name') };
const authorOf = prepared('member-message', 'select author from model.message where sid = $1 and conversation_sid = $2');

const deviceOf = prepared('member-device', 'select identity from model.push_binding where sid = $1 and chat_service_sid = $2');
const mediumBy = prepared('member-medium', 'select conversation_sid, author from media.media where sid = $1 and account = $2');

type Medium = { conversation_sid: string | null; author: string | null };
type Place = { Sid?: string; ConversationSid?: string; MessageSid?: string; UserSid?: string };
/** The same for both families and whatever the parameters are called. */
const operationOf = (method: string, route: string) =>
  `${method === 'HEAD' ? 'GET' : method} ${route.replace(/^\/v1(\/Services\/:ChatServiceSid)?/, '').replace(/:\w+/g, ':')}`;

@Injectable()
export class MemberPermissions {
  constructor(
    @Inject(PARTICIPANT_COMMANDS) private readonly participants: ParticipantCommands,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  /** Throws ApiError with the documented code, NotFound when the conversation is not there. */
  async check(request: ApiRequest, member: Member): Promise<void> {
    const { call, params, method, routeOptions } = request;
    const operation = operationOf(method, routeOptions.url ?? '');
    if (call.service !== member.service) throw new ApiError(50107);
    const place = params as Place;
    const medium = operation.includes('/Media/:') ? await this.mediumOf(call.account.sid, place.Sid!) : undefined;
    const conversation = operation.includes('Conversations/:') ? (place.ConversationSid ?? place.Sid)! : medium?.conversation_sid ?? undefined;
    const found = await this.rightsOf(call.account.sid, member, conversation);
    if (found.user === null) throw new ApiError(51102);
    if (conversation !== undefined && found.conversation === null && !/^\w+ \/Users/.test(operation)) throw new NotFound();
    const granted = new Set([...(found.service_permissions ?? []), ...(found.conversation_permissions ?? [])]);
    const form = method === 'GET' || method === 'HEAD' ? decodeForm(queryOf(request)) : decodeForm(request.body);
    const refused = memberRule(operation)({
      identity: member.identity, form, may: (permission) => granted.has(permission), inConversation: found.participant !== null,
      own: medium ? medium.author === member.identity : await this.isOwn(operation, place, member, found),
    });
    if (refused !== undefined) throw new ApiError(refused);
  }

  private async rightsOf(account: string, member: Member, conversation: string | undefined): Promise<Rights> {
    const { identity, service, roleSid } = member;
    const query = rights[conversation === undefined ? 'sid' : namedBy(conversation)](
      account, service, identity, conversation === undefined ? null : mustBeText(conversation));
    let [found] = await this.reads.query<Rights>(query);
    if (!found) throw new ApiError(51102);
    if (found.user === null) {
      // His first call: from now on he exists.
      await this.participants.ensureUser({ account }, service as ServiceSid, identity, roleSid);
      [found] = await this.reads.query<Rights>(query);
    }
    return found!;
  }

  private async mediumOf(account: string, sid: string): Promise<Medium> {
    const [row] = isSid(sid, 'ME') ? await this.reads.query<Medium>(mediumBy(sid, account)) : [];
    if (!row) throw new NotFound();
    return row;
  }

  private async isOwn(operation: string, place: Place, { identity, service }: Member, found: Rights): Promise<boolean> {
    const [, resource, below] = /^\w+ \/(\w+)\/:(?:\/(\w+)\/:)?/.exec(operation) ?? [];
    // What looks like a SID means who has it, also when somebody is called like it.
    const isHis = (segment: string, prefix: 'US' | 'MB', sid: string | null) => segment === (isSid(segment, prefix) ? sid : identity);
    if (resource === 'Users') return isHis((place.UserSid ?? place.Sid)!, 'US', found.user);
    if (resource === 'Devices') {
      const [device] = isSid(place.Sid!, 'BS') ? await this.reads.query<{ identity: string }>(deviceOf(place.Sid, service)) : [];
      if (!device) throw new NotFound();
      return device.identity === identity;
    }
    if (below === 'Participants') return isHis(place.Sid!, 'MB', found.participant);
    if (below !== 'Messages') return false;
    const message = place.MessageSid ?? place.Sid!;
    if (!isSid(message, 'IM')) return false;
    const [row] = await this.reads.query<{ author: string }>(authorOf(message, found.conversation));
    return row?.author === identity;
  }
}
