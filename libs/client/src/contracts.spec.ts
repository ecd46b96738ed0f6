/** The package has types of its own so that it needs nothing beside it. Here the compiler compares them with the API's schemas. */
import type { answersOfFamily } from '@parley/contracts/rest/answers';
import type { listOf } from '@parley/contracts/rest/answer-fields';
import type { PostEvent } from '@parley/contracts/webhook-events';
import type { ClientFrame as Accepted } from '@parley/contracts/stream/client-frames';
import type { z } from 'zod';
import type { EventData, EventName } from './events.js';
import type { ClientFrame } from './frames.js';
import type { Message, PageMeta } from './resources.js';

type Answers = ReturnType<typeof answersOfFamily>;
type Answer<Name extends keyof Answers> = z.infer<Answers[Name]>;
/** Each may stand where the other is asked for. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
/** Of the fields both have, with `undefined` and absent being the same. */
type Fields<Data, Resource> = { [Field in keyof Data & keyof Resource]-?: Same<Exclude<Data[Field], undefined>, Exclude<Resource[Field], undefined>> }[keyof Data & keyof Resource];
type Own<Data, Resource> = Exclude<keyof Data, keyof Resource>;

const yes = <T extends true>(value: T): T => value;

describe('the types of the package', () => {
  it('are those of the API\'s answers', () => {
    yes<Same<Omit<Message, 'chat_service_sid'>, Omit<Answer<'Message'>, 'chat_service_sid'>>>(true);
    yes<Same<PageMeta, z.infer<ReturnType<typeof listOf>>['meta'] & PageMeta>>(true);
  });

  it('are, event by event, fields of the resources', () => {
    yes<Fields<EventData['onConversationAdded'], Answer<'Conversation'>>>(true);
    yes<Fields<EventData['onConversationUpdated'], Answer<'Conversation'>>>(true);
    yes<Same<EventData['onConversationStateUpdated']['state'], Answer<'Conversation'>['state']>>(true);
    yes<Fields<Omit<EventData['onParticipantAdded'], 'last_read_message_index' | 'last_read_timestamp'>, Answer<'Participant'>>>(true);
    yes<Fields<EventData['onParticipantUpdated'], Answer<'Participant'>>>(true);
    yes<Fields<EventData['onMessageAdded'], Answer<'Message'>>>(true);
    yes<Fields<EventData['onMessageUpdated'], Answer<'Message'>>>(true);
    yes<Fields<Omit<EventData['onDeliveryUpdated'], 'status'>, Answer<'Delivery Receipt'>>>(true);
    yes<Same<EventData['onDeliveryUpdated']['status'], NonNullable<Answer<'Delivery Receipt'>['status']>>>(true);
    yes<Same<Own<EventData['onMessageAdded'], Answer<'Message'>>, never>>(true);
    yes<Same<Own<EventData['onParticipantAdded'], Answer<'Participant'>>, never>>(true);
  });

  it('have the names of the events, and frames that the server reads', () => {
    yes<Same<EventName, Exclude<PostEvent, `onUser${string}`>>>(true);
    yes<[ClientFrame] extends [Accepted] ? true : false>(true);
  });
});
