/** Commands on conversations and messages; the relay from the log to the bus. */
import { Global, Module } from '@nestjs/common';
import { CONVERSATION_COMMANDS } from '@parley/contracts/command-tokens';
import { ConversationService } from './conversation-commands.js';
import { DeletedConversations } from './deleted-conversations.js';
import { DeletedServices } from './deleted-services.js';
import { LogRelay } from './log-relay.js';
import { MediaAttachments } from './media-attachments.js';

@Global()
@Module({
  providers: [{ provide: CONVERSATION_COMMANDS, useClass: ConversationService }, LogRelay, DeletedConversations, MediaAttachments, DeletedServices],
  exports: [CONVERSATION_COMMANDS],
})
export class ConversationServiceModule {}
