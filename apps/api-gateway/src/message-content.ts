/**
 * What a new message refers to: its files, claimed so that no other message gets them, and its content template, rendered
 * here once. With the message's fact all of it is settled; nobody looks anything up again.
 */
import { Inject, Injectable } from '@nestjs/common';
import type { AddMessage, ConversationCommands } from '@parley/contracts/commands';
import { CONVERSATION_COMMANDS } from '@parley/contracts/command-tokens';
import { ApiError } from '@parley/contracts/error-catalogue';
import type { CreateMessage } from '@parley/contracts/rest/messages';
import { renderContent, type ContentTypes, type ContentVariables } from '@parley/domain/content-template';
import type { MessageAdded } from '@parley/domain/conversation/events';
import { DomainError } from '@parley/domain/domain-error';
import { newSid, type ConversationSid } from '@parley/domain/sid';
import { MediaStore } from '@parley/media/media-store';
import { logger } from '@parley/telemetry/logger';
import type { Call } from './call.js';
import { Hooks } from './hooks.js';
import { prepared, Reads } from './reads.js';

const log = logger('api-gateway');
const findTemplate = prepared('content-of-message', 'select types, variables, language, approval from model.content_template where sid = $1 and account = $2');
type Template = { types: ContentTypes; variables: ContentVariables; language: string; approval: { name: string; category: string; status: string } | null };
/** After these the message may be stored all the same: its files stay claimed until the log has told. */
const unclear = new Set(['overloaded', 'unavailable', 'conflicting_modification']);

@Injectable()
export class MessageContents {
  constructor(
    @Inject(CONVERSATION_COMMANDS) private readonly commands: ConversationCommands,
    @Inject(Hooks) private readonly hooks: Hooks,
    @Inject(MediaStore) private readonly media: MediaStore,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  async add(call: Call, conversation: ConversationSid, request: CreateMessage): Promise<MessageAdded> {
    const { message, mediaSids, contentSid } = request;
    if (contentSid !== undefined) return this.store(call, conversation, await this.ofTemplate(call, contentSid, request));
    if (mediaSids.length > 0) return this.withMedia(call, conversation, message, mediaSids);
    return this.store(call, conversation, message);
  }

  private async store(call: Call, conversation: ConversationSid, message: AddMessage): Promise<MessageAdded> {
    return this.commands.addMessage(call.caller, conversation, withSaidBody(message, await this.hooks.messageAdd(call, conversation, message)));
  }

  /** Body and files are ignored: the template stands for both. */
  private async ofTemplate({ account }: Call, contentSid: string, request: CreateMessage): Promise<AddMessage> {
    const { message, contentVariables: given } = request;
    const [template] = await this.reads.query<Template>(findTemplate(contentSid, account.sid));
    if (!template) throw new ApiError(50526);
    const { types, variables, language, approval } = template;
    const approved = approval?.status === 'approved' ? { name: approval.name, category: approval.category, language } : undefined;
    const rendered = renderContent(types, { ...variables, ...given?.values }, approved);
    if (!rendered) throw new ApiError(50542);
    const { body, channels } = rendered;
    return { ...message, body, contentSid, content: { ...(given?.json !== undefined && { variables: given.json }), channels } };
  }

  private async withMedia(call: Call, conversation: ConversationSid, message: AddMessage, sids: readonly string[]): Promise<MessageAdded> {
    const { account, caller, service } = call;
    const claim = caller.key ?? newSid('RQ');
    const media = await this.media.claim({ account: account.sid, service }, sids, claim);
    let added: MessageAdded;
    try {
      added = await this.store(call, conversation, { ...message, media });
    } catch (error) {
      if (error instanceof ApiError || (error instanceof DomainError && !unclear.has(error.code)))
        await this.media.release(sids, claim).catch((cause: unknown) => log.warn('media stay claimed for a while', { error: cause }));
      throw error;
    }
    // So that it can be read at once; the log's consumer does the same, whatever happens here.
    await this.media.attach(sids, conversation, added.messageSid).catch((error: unknown) => log.warn('media are attached later', { error }));
    return added;
  }
}

/** A pre-event webhook that wrote another text wrote it for every channel. */
function withSaidBody(asked: AddMessage, wished: AddMessage): AddMessage {
  const { body = null, content } = wished;
  if (!content || body === asked.body) return wished;
  // The forms of a channel's own say what the template said.
  const { sms, whatsapp: { mediaUrls } } = content.channels;
  return { ...wished, content: { ...content, channels: { sms: { ...sms, body }, whatsapp: { body, mediaUrls } } } };
}
