/** `/2010-04-01/Accounts`: the caller's account and its subaccounts. Top accounts are made by the command line only. */
import { Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { RegistryCommands } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import { createAccount, listAccounts, updateAccount, type ListAccounts, type UpdateAccount } from '@parley/contracts/rest/account-parameters';
import type { Paging } from '@parley/contracts/rest/paging';
import { newSid, type SidPrefix } from '@parley/domain/sid';
import { derivedSid } from '@parley/event-store/derived-sid';
import { AccountAccess, pageAt, sidCursor, told } from './account-access.js';
import { accountJson, ACCOUNTS, listOf2010 } from './account-json.js';
import { Filters, Form, PagingOf, TheCall, type Call } from './call.js';

const list = ['Accounts', 'Accounts.json'];

@Controller('2010-04-01')
export class AccountsController {
  constructor(
    @Inject(AccountAccess) private readonly access: AccountAccess,
    @Inject(REGISTRY_COMMANDS) private readonly commands: RegistryCommands,
  ) {}

  @Get(list)
  async list(@TheCall() { account }: Call, @Filters(listAccounts) filters: ListAccounts, @PagingOf(100) paging: Paging): Promise<string> {
    const cursor = sidCursor(paging.PageToken, 'accounts', 'AC');
    const rows = await this.access.registry.listAccounts(account.sid, pageAt(cursor, paging.PageSize), { friendlyName: filters.FriendlyName, status: filters.Status });
    return JSON.stringify(listOf2010({ key: 'accounts', uri: `${ACCOUNTS}.json`, filters, paging, cursor, rows, json: (row) => accountJson(row) }));
  }

  @Post(list)
  async create(@TheCall() { account: { sid: parent, parent: owner }, caller }: Call, @Form(createAccount) { friendlyName }: { friendlyName?: string }): Promise<string> {
    if (owner !== undefined) throw new ApiError(21101);
    const sidOf = <P extends SidPrefix>(prefix: P) => (caller.key === undefined ? newSid(prefix) : derivedSid(prefix, parent, caller.key));
    const [sid, service, at] = [sidOf('AC'), sidOf('IS'), new Date().toISOString()];
    const made = await told(this.access.registry.createAccount(
      { sid, parent, friendlyName: friendlyName ?? `SubAccount Created at ${at.slice(0, 16).replace('T', ' ')}`, defaultChatServiceSid: service },
      () => this.commands.create(
        { ...caller, account: sid }, 'Service', { sid: service, account: sid, friendly_name: 'Default Conversations Service', created_at: at, updated_at: at },
      ),
      caller,
    ));
    return JSON.stringify(accountJson(made.account, made.authToken));
  }

  @Get('Accounts/:Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') named: string): Promise<string> {
    return JSON.stringify(accountJson(await this.access.reach(call, named)));
  }

  /** Only the owner changes a status: no account suspends or reopens itself. */
  @Post('Accounts/:Sid')
  @HttpCode(200)
  async update(@TheCall() call: Call, @Param('Sid') named: string, @Form(updateAccount) { friendlyName, status }: UpdateAccount): Promise<string> {
    const { sid } = await this.access.reach(call, named);
    if (status !== undefined && sid === call.account.sid) throw new ApiError(20006);
    if (status !== undefined || friendlyName !== undefined) await told(this.access.registry.updateAccount(sid, { friendlyName, status }, call.caller));
    return this.fetch(call, sid);
  }
}
