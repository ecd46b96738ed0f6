/** `/v1/Keys`: API keys with their policies; the one place of the API that makes restricted keys. */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { createApiKey, listApiKeys, updateApiKey, type CreateApiKey, type UpdateApiKey } from '@parley/contracts/rest/account-parameters';
import type { Paging } from '@parley/contracts/rest/paging';
import type { KeyRecord } from '@parley/event-store/account-registry';
import { AccountAccess, keySid, pageAt, sidCursor, told } from './account-access.js';
import { keyJson } from './account-json.js';
import { Filters, Form, PagingOf, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { listAnswer } from './list-answer.js';

/** What a key is good for: only a standard key signs access tokens. */
const flags = { standard: ['rest_api', 'signing'], restricted: ['rest_api'] };

@Controller('v1/Keys')
export class ApiKeysController {
  constructor(@Inject(AccountAccess) private readonly access: AccountAccess) {}

  @Get()
  async list(@TheCall() call: Call, @Filters(listApiKeys) { AccountSid }: { AccountSid: string }, @PagingOf(100) paging: Paging): Promise<string> {
    const { sid } = await this.access.reach(call, AccountSid);
    const cursor = sidCursor(paging.PageToken, 'api-keys', 'SK');
    const rows = await this.access.registry.listKeys(sid, pageAt(cursor, paging.PageSize));
    return listAnswer({
      key: 'keys', url: `${call.base}/Keys`, filters: [['AccountSid', sid]], list: 'api-keys', paging, rows, keyOf: (row) => [row.sid] as const,
      cursor: cursor && { key: [cursor.key] as const, back: cursor.back }, json: (row) => JSON.stringify({ ...keyJson(row), flags: flags[row.kind] }),
    });
  }

  @Post()
  async create(@TheCall() call: Call, @Form(createApiKey) { account, ...asked }: CreateApiKey): Promise<string> {
    const { sid } = await this.access.reachActive(call, account);
    const { key, secret } = await told(this.access.registry.createKey({ account: sid, ...asked }, call.caller));
    return JSON.stringify({ ...keyJson(key), secret, policy: key.policy });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') named: string): Promise<string> {
    return answer(await this.access.keyInReach(call, keySid(named)));
  }

  @Post(':Sid')
  @HttpCode(200)
  async update(@TheCall() call: Call, @Param('Sid') named: string, @Form(updateApiKey) changes: UpdateApiKey): Promise<string> {
    const { account, sid } = await this.access.keyInReach(call, keySid(named));
    const changed = await this.access.registry.updateKey(account, sid, changes, call.caller);
    if (!changed) throw new NotFound();
    return answer(changed);
  }

  @Delete(':Sid')
  @HttpCode(204)
  async remove(@TheCall() call: Call, @Param('Sid') named: string): Promise<void> {
    const sid = keySid(named);
    // A repetition finds no key any more; its answer is kept.
    const account = (await this.access.registry.keyBelow(call.account.sid, sid))?.account ?? call.account.sid;
    if (!(await this.access.registry.deleteKey(account, sid, call.caller))) throw new NotFound();
  }
}

const answer = (key: KeyRecord): string => JSON.stringify({ ...keyJson(key), policy: key.policy });
