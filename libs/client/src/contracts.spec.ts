/** The package has types of its own so that it needs nothing beside it. Here the compiler compares them with the API's schemas. */
import type { answersOfFamily } from '@parley/contracts/rest/answers';
import type { listOf } from '@parley/contracts/rest/answer-fields';
import type { ClientFrame as Accepted } from '@parley/contracts/stream/client-frames';
import type { EventFrame } from '@parley/contracts/stream/event-frames';
import type { ServerFrame as Said } from '@parley/contracts/stream/server-frames';
import type { z } from 'zod';
import type { ConversationEvent, EventName } from './events.js';
import type { ClientFrame, ServerFrame } from './frames.js';
import type { Message, PageMeta } from './resources.js';

type Answers = ReturnType<typeof answersOfFamily>;
type Answer<Name extends keyof Answers> = z.infer<Answers[Name]>;
/** Each may stand where the other is asked for. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
/** Whatever they have besides, and an id that answers repeat: it is a number where a client gave one. */
type Frame<Of extends { type: string }, Type extends Of['type']> = Omit<Extract<Of, { type: Type }>, 'id'>;
type Event<Name extends EventName> = { ours: Extract<ConversationEvent, { event: Name }>; theirs: Omit<Extract<EventFrame, { event: Name }>, 'type'> };
type Events = { [Name in EventName]: Same<Event<Name>['ours'], Event<Name>['theirs']> }[EventName];
type Answered = { [Type in Exclude<ServerFrame['type'], 'event'>]: [Frame<Said, Type>] extends [Frame<ServerFrame, Type>] ? true : Type }[Exclude<ServerFrame['type'], 'event'>];

const yes = <T extends true>(value: T): T => value;

describe('the types of the package', () => {
  it('are those of the API\'s answers', () => {
    yes<Same<Omit<Message, 'chat_service_sid'>, Omit<Answer<'Message'>, 'chat_service_sid'>>>(true);
    yes<Same<PageMeta, z.infer<ReturnType<typeof listOf>>['meta'] & PageMeta>>(true);
  });

  it('are those of the frames that the server says', () => {
    yes<Same<EventName, EventFrame['event']>>(true);
    yes<Events>(true);
    yes<Same<ServerFrame['type'], Said['type']>>(true);
    yes<Answered>(true);
  });

  it('are those of the frames that the server reads', () => { yes<[ClientFrame] extends [Accepted] ? true : false>(true); });
});
