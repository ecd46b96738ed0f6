/** `…/Users` (API reference 1.18 and 7): the people of a service, by SID or identity. */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { PARTICIPANT_COMMANDS, REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { ParticipantCommands, RegistryCommands } from '@parley/contracts/commands';
import type { Paging } from '@parley/contracts/rest/paging';
import { createUser, updateUser, type CreateUser, type UpdateUser } from '@parley/contracts/rest/users';
import { newSid, type Sid } from '@parley/domain/sid';
import { derivedSid } from '@parley/event-store/derived-sid';
import { REDIS } from '@parley/runtime/parts';
import { isOnline } from '@parley/runtime/presence';
import type { Redis } from 'ioredis';
import { families, Form, PagingOf, TheCall, type Call } from './call.js';
import { Hooks } from './hooks.js';
import { plainOrNull, text, textOrNull, time } from './json-text.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { Reads } from './reads.js';
import { Repetitions } from './repetitions.js';
import { ServiceLookup } from './service-lookup.js';
import { UserLookup } from './user-lookup.js';
import { usersPage, type Reachable, type UserRow } from './users.sql.js';

@Controller(families('Users'))
export class UsersController {
  constructor(
    @Inject(REGISTRY_COMMANDS) private readonly registry: RegistryCommands,
    @Inject(PARTICIPANT_COMMANDS) private readonly participants: ParticipantCommands,
    @Inject(Hooks) private readonly hooks: Hooks,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(UserLookup) private readonly users: UserLookup,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
    @Inject(REDIS) private readonly redis: Redis,
  ) {}

  @Post()
  async create(@TheCall() call: Call, @Form(createUser) data: CreateUser): Promise<string> {
    const role_sid = await this.services.serviceRole(call, data.roleSid);
    const { account, key } = call.caller;
    const at = new Date().toISOString();
    const sid = key === undefined ? newSid('US') : derivedSid('US', account, key);
    await this.registry.create(call.caller, 'User', {
      sid, chat_service_sid: call.service, identity: data.identity, friendly_name: data.friendlyName, attributes: data.attributes, role_sid,
      created_at: at, updated_at: at,
    });
    return this.fetch(call, sid);
  }

  @Get()
  async list(@TheCall() call: Call, @PagingOf(50) paging: Paging): Promise<string> {
    await this.services.mustExist(call);
    const cursor = readPageToken(paging.PageToken, 'users', ([sid]) => (sidOfKind(sid, 'US') ? ([sid] as const) : undefined));
    const rows = await this.reads.query<UserRow>(
      usersPage(cursor?.back ?? false)(call.account.sid, call.service, cursor?.key[0] ?? '', paging.PageSize + 1));
    return listAnswer({
      key: 'users', url: `${call.base}/Users`, list: 'users', paging, cursor, rows,
      keyOf: ({ sid }) => [sid] as const, json: (row) => userJson(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') user: string): Promise<string> {
    const row = await this.users.find(call, user);
    if (row.notifiable === null) return userJson(call, row);
    return userJson(call, row, { online: await isOnline(this.redis, { account: row.account, service: row.chat_service_sid, identity: row.identity }), notifiable: row.notifiable });
  }

  @Post(':Sid')
  @HttpCode(200)
  async update(@TheCall() call: Call, @Param('Sid') user: string, @Form(updateUser) changes: UpdateUser): Promise<string> {
    const { sid } = await this.users.find(call, user);
    if (changes.role_sid !== undefined) await this.services.serviceRole(call, changes.role_sid);
    if (Object.keys(changes).length > 0) {
      await this.hooks.userUpdate(call, sid, changes);
      await this.registry.update(call.caller, 'User', sid, changes);
    }
    return this.fetch(call, sid);
  }

  @Delete(':Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('Sid') user: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      const { sid } = await this.users.find(call, user);
      await this.participants.deleteUser(call.caller, sid as Sid<'US'>);
    });
  }
}

/** Who can be reached is told of one user, never in lists, and only where the service says so. */
function userJson(
  { base }: Call, u: UserRow, { online, notifiable }: Reachable & { online: boolean | null } = { online: null, notifiable: null },
): string {
  const url = `${base}/Users/${u.sid}`;
  return `{"sid":"${u.sid}","account_sid":"${u.account}","chat_service_sid":"${u.chat_service_sid}","role_sid":${plainOrNull(u.role_sid)
  },"identity":${text(u.identity)},"friendly_name":${textOrNull(u.friendly_name)},"attributes":${text(u.attributes)},"is_online":${online},"is_notifiable":${notifiable},"date_created":${time(u.created_at)},"date_updated":${
    time(u.updated_at)},"url":"${url}","links":{"user_conversations":"${url}/Conversations"}}`;
}
