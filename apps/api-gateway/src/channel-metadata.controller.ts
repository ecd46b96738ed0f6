/** `…/Messages/{Sid}/ChannelMetadata` (API reference 1.5): messages link to it, and no channel here gives any: 404, code 50530. */
import { Controller, Get, Inject, Param } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import { isSid } from '@parley/domain/sid';
import { families, TheCall, type Call } from './call.js';
import { mustBeText, namedBy } from './conversation-lookup.js';
import { NotFound } from './error-answer.js';
import { messageBySid, type MessagesPage } from './messages.sql.js';
import { Reads } from './reads.js';

@Controller(families('Conversations/:ConversationSid/Messages/:MessageSid/ChannelMetadata'))
export class ChannelMetadataController {
  constructor(@Inject(Reads) private readonly reads: Reads) {}

  @Get()
  async fetch(@TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('MessageSid') message: string): Promise<never> {
    if (!isSid(message, 'IM')) throw new NotFound();
    const query = messageBySid(namedBy(conversation))(call.account.sid, call.service, mustBeText(conversation), message);
    const [found] = await this.reads.query<MessagesPage>(query);
    if (!found?.page?.[0]) throw new NotFound();
    throw new ApiError(50530);
  }
}
