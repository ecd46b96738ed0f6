/** One conversation for those who take part in it: what happens, what is said, how far it was read. */
import type { ParleyClient } from './client.js';
import type { ConversationEvent, EventName, EventOf } from './events.js';
import type { ReadState } from './requests.js';
import type { Message } from './resources.js';

export type NewMessage = {
  /** At most 1,600 characters. */
  body?: string;
  /** An object, or JSON as text. */
  attributes?: Readonly<Record<string, unknown>> | string;
  /** SIDs of files that were uploaded by HTTP. */
  mediaSids?: readonly string[];
  contentSid?: string;
  contentVariables?: Readonly<Record<string, string>>;
};

export class Conversation {
  constructor(readonly sid: string, private readonly client: ParleyClient) {}

  /** As `client.on`, for this conversation. */
  on<Name extends EventName>(name: Name, handler: (event: EventOf<Name>) => unknown): () => void {
    return this.client.on(name, (event: EventOf<EventName>) => (event.conversation === this.sid ? handler(event as EventOf<Name>) : undefined));
  }

  /** As `client.events`, for this conversation. */
  events(): AsyncIterableIterator<ConversationEvent> {
    return this.client.events(this.sid);
  }

  /** Says something, once, even if the line breaks meanwhile. Rejects with RefusedError, TimeoutError or ClosedError. */
  async send(message: string | NewMessage): Promise<Message> {
    const { body, attributes, mediaSids, contentSid, contentVariables } = typeof message === 'string' ? { body: message } as NewMessage : message;
    return this.client.request<Message>('POST', await this.path('/Messages'), {
      body: {
        ...(body !== undefined && { Body: body }), ...(attributes !== undefined && { Attributes: attributes }), ...(mediaSids && { MediaSid: mediaSids }),
        ...(contentSid !== undefined && { ContentSid: contentSid }), ...(contentVariables && { ContentVariables: contentVariables }),
      },
    });
  }

  /** What was said, the newest first (`desc`) or from the beginning (`asc`); pages are fetched as the loop goes on. `pageSize` 1 to 100. */
  async *messages({ order = 'desc', pageSize = 50 }: { order?: 'asc' | 'desc'; pageSize?: number } = {}): AsyncGenerator<Message, void> {
    yield* this.client.list<Message>(await this.path(`/Messages?Order=${order}&PageSize=${pageSize}`));
  }

  /** The member has read up to the message with this index. */
  read(index: number): Promise<ReadState> {
    return this.client.read(this.sid, index);
  }

  /** The member types: call it with every letter. */
  typing(): void {
    this.client.typing(this.sid);
  }

  private async path(below: string): Promise<string> {
    const { chatServiceSid } = await this.client.connected();
    return `/v1/${chatServiceSid === null ? '' : `Services/${chatServiceSid}/`}Conversations/${this.sid}${below}`;
  }
}
