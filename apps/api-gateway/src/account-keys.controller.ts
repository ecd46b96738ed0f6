/** `/2010-04-01/Accounts/AC…/Keys` and `/SigningKeys`, two names of the same keys. New ones are standard keys. */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { nameOfKey, type NameOfKey } from '@parley/contracts/rest/account-parameters';
import type { Paging } from '@parley/contracts/rest/paging';
import type { KeyRecord } from '@parley/event-store/account-registry';
import { AccountAccess, keySid, pageAt, sidCursor, told, withoutFormat } from './account-access.js';
import { ACCOUNTS, keyJson, listOf2010 } from './account-json.js';
import { Form, PagingOf, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';

const arrays: Readonly<Record<string, string | undefined>> = { Keys: 'keys', SigningKeys: 'signing_keys' };

@Controller('2010-04-01/Accounts/:AccountSid')
export class AccountKeysController {
  constructor(@Inject(AccountAccess) private readonly access: AccountAccess) {}

  @Get(':Name')
  async list(@TheCall() call: Call, @Param('AccountSid') account: string, @Param('Name') named: string, @PagingOf(100) paging: Paging): Promise<string> {
    const key = arrayOf(named);
    const { sid } = await this.access.reach(call, account);
    const cursor = sidCursor(paging.PageToken, key, 'SK');
    const rows = await this.access.registry.listKeys(sid, pageAt(cursor, paging.PageSize));
    return JSON.stringify(listOf2010({ key, uri: `${ACCOUNTS}/${sid}/${withoutFormat(named)}.json`, paging, cursor, rows, json: keyJson }));
  }

  @Post(':Name')
  async create(
    @TheCall() call: Call, @Param('AccountSid') account: string, @Param('Name') named: string, @Form(nameOfKey) { friendlyName = null }: NameOfKey,
  ): Promise<string> {
    arrayOf(named);
    const { sid } = await this.access.reachActive(call, account);
    const { key, secret } = await told(this.access.registry.createKey({ account: sid, friendlyName }, call.caller));
    return JSON.stringify({ ...keyJson(key), secret });
  }

  @Get(':Name/:Sid')
  async fetch(@TheCall() call: Call, @Param('AccountSid') account: string, @Param('Name') named: string, @Param('Sid') key: string): Promise<string> {
    const { sid } = await this.reach(call, account, named);
    return answer(await this.access.registry.key(sid, keySid(key)));
  }

  @Post(':Name/:Sid')
  @HttpCode(200)
  async update(
    @TheCall() call: Call, @Param('AccountSid') account: string, @Param('Name') named: string, @Param('Sid') key: string, @Form(nameOfKey) changes: NameOfKey,
  ): Promise<string> {
    const { sid } = await this.reach(call, account, named);
    return answer(await this.access.registry.updateKey(sid, keySid(key), changes, call.caller));
  }

  @Delete(':Name/:Sid')
  @HttpCode(204)
  async remove(@TheCall() call: Call, @Param('AccountSid') account: string, @Param('Name') named: string, @Param('Sid') key: string): Promise<void> {
    const { sid } = await this.reach(call, account, named);
    if (!(await this.access.registry.deleteKey(sid, keySid(key), call.caller))) throw new NotFound();
  }

  private reach(call: Call, account: string, named: string) {
    arrayOf(named);
    return this.access.reach(call, account);
  }
}

function arrayOf(named: string): string {
  const key = arrays[withoutFormat(named)];
  if (key === undefined) throw new NotFound();
  return key;
}

function answer(key: KeyRecord | undefined): string {
  if (!key) throw new NotFound();
  return JSON.stringify(keyJson(key));
}
