/** `/v1/RoutingPolicies`: how messages reach people outside the chat, for the account and for single conversations. */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import type { Paging } from '@parley/contracts/rest/paging';
import {
  createRoutingPolicy, listRoutingPolicies, updateRoutingPolicy, type CreateRoutingPolicy, type ListRoutingPolicies, type UpdateRoutingPolicy,
} from '@parley/contracts/rest/routing-policies';
import { RoutingPolicies, type RoutingPolicyRecord } from '@parley/delivery/routing-policies';
import type { RoutingPolicy } from '@parley/domain/delivery/routing';
import { isSid } from '@parley/domain/sid';
import { pageAt, sidCursor } from './account-access.js';
import { Filters, Form, PagingOf, TheCall, type Call } from './call.js';
import { ConversationLookup } from './conversation-lookup.js';
import { NotFound } from './error-answer.js';
import { listAnswer } from './list-answer.js';
import { Once } from './once.js';
import { seconds } from './sender-json.js';

@Controller('v1/RoutingPolicies')
export class RoutingPoliciesController {
  constructor(
    @Inject(RoutingPolicies) private readonly policies: RoutingPolicies,
    @Inject(ConversationLookup) private readonly conversations: ConversationLookup,
    @Inject(Once) private readonly once: Once,
  ) {}

  @Post()
  create(@TheCall() call: Call, @Form(createRoutingPolicy) { conversation, policy }: CreateRoutingPolicy): Promise<string> {
    return this.once.run(call, async () => {
      await this.mustHave(call, policy);
      const of = conversation === undefined ? null : await this.conversations.sidInAccount(call, conversation);
      const made = await this.policies.create(this.once.sid(call, 'RP'), call.account.sid, of, policy);
      if (made === 'taken') throw new ApiError(20409, `the ${of === null ? 'account' : 'conversation'} has a routing policy already`);
      return policyJson(call, made);
    });
  }

  @Get()
  async list(@TheCall() call: Call, @Filters(listRoutingPolicies) { ConversationSid }: ListRoutingPolicies, @PagingOf(100) paging: Paging): Promise<string> {
    const cursor = sidCursor(paging.PageToken, 'routing-policies', 'RP');
    return listAnswer({
      key: 'routing_policies', url: `${call.base}/RoutingPolicies`, filters: [['ConversationSid', ConversationSid]], list: 'routing-policies', paging,
      cursor: cursor && { key: [cursor.key] as const, back: cursor.back }, keyOf: ({ sid }) => [sid] as const, json: (row) => policyJson(call, row),
      rows: await this.policies.list(call.account.sid, { ...pageAt(cursor, paging.PageSize), conversation: ConversationSid ?? null }),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    const found = isSid(sid, 'RP') ? await this.policies.find(call.account.sid, sid) : undefined;
    if (!found) throw new NotFound();
    return policyJson(call, found);
  }

  @Post(':Sid')
  @HttpCode(200)
  update(@TheCall() call: Call, @Param('Sid') sid: string, @Form(updateRoutingPolicy) { policy }: UpdateRoutingPolicy): Promise<string> {
    return this.once.run(call, async () => {
      await this.mustHave(call, policy);
      const changed = isSid(sid, 'RP') ? await this.policies.update(call.account.sid, sid, policy) : undefined;
      if (!changed) throw new NotFound();
      return policyJson(call, changed);
    });
  }

  @Delete(':Sid')
  @HttpCode(204)
  async remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    await this.once.run(call, async () => {
      if (!isSid(sid, 'RP') || !(await this.policies.remove(call.account.sid, sid))) throw new NotFound();
      return '';
    });
  }

  /** Throws 50526 and 50413 for templates and senders the account does not have. */
  private async mustHave({ account }: Call, policy: RoutingPolicy): Promise<void> {
    const missing = await this.policies.missingOf(account.sid, policy);
    if (missing) throw new ApiError('template' in missing ? 50526 : 50413);
  }
}

const policyJson = ({ account, base }: Call, p: RoutingPolicyRecord): string => JSON.stringify({
  sid: p.sid, account_sid: account.sid, conversation_sid: p.conversation, policy: p.policy, date_created: seconds(p.created), date_updated: seconds(p.updated),
  url: `${base}/RoutingPolicies/${p.sid}`,
});
