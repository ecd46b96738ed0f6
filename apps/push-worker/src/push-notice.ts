/** From a fact to what is said of it, as the service configured it (API reference 1.16 and 8). Pure. */
import type { MessageAdded } from '@parley/domain/conversation/events';
import type { LogEvent } from '@parley/domain/event';
import { SYSTEM } from '@parley/domain/identity';
import type { WebhookMark } from '@parley/domain/webhook-mark';
import type { PushData, PushKind } from '@parley/push/push-provider';
import { defaultTemplates, rendered, variablesOf, type TemplateSubject } from '@parley/push/template';
import type { People, Place } from './push-reads.js';

/** What is stored of a notification; the badge is counted when it is sent. */
export type StoredNotification = { text: string; sound: string | null; badge: boolean; data: PushData };
export type Notice = {
  event: LogEvent;
  place: Place;
  kind: PushKind;
  messageSid: string | null;
  /** Who did it: nobody is told of what he did himself. */
  actor: string;
  /** Whom it is for; null: everybody else in the conversation. */
  recipient: string | null;
  written(people: People): StoredNotification;
};

/** Undefined when the service does not notify of it. */
export function noticeOf(event: LogEvent, place: Place): Notice | undefined {
  return event.type === 'MessageAdded' ? ofMessage(event, place, event.data as MessageAdded) : ofMember(event, place);
}

function ofMessage(event: LogEvent, place: Place, message: MessageAdded): Notice | undefined {
  const { settings: s } = place;
  const media = message.media ?? [];
  const ofMedia = media.length > 0;
  if (!(ofMedia ? s.new_message_with_media_enabled : s.new_message_enabled)) return undefined;
  const template = (ofMedia ? s.new_message_with_media_template : s.new_message_template) ?? defaultTemplates[ofMedia ? 'with_media' : 'new_message'];
  const { messageSid, index, author, participantSid, body } = message;
  const data = {
    author, message_sid: messageSid, message_index: index,
    ...(ofMedia && { media_count: media.length, media: media.map(({ sid, filename, contentType, size }) => ({ sid, filename, content_type: contentType, size })) }),
  };
  return {
    event, place, kind: 'new_message', messageSid, actor: author, recipient: null,
    written: (people) => ({
      text: written(template, place, { sid: participantSid, identity: author }, people, { body, media }), sound: s.new_message_sound ?? null,
      badge: s.new_message_badge_count_enabled ?? false, data: { ...titled(place), ...data },
    }),
  };
}

function ofMember(event: LogEvent, place: Place): Notice | undefined {
  const { settings: s } = place;
  const added = event.type === 'ParticipantAdded';
  if (!(added ? s.added_to_conversation_enabled : s.removed_from_conversation_enabled)) return undefined;
  const kind = added ? 'added_to_conversation' : 'removed_from_conversation';
  const recipient = event.data['identity'] as string;
  // Who it was is known of what people do with their own access tokens.
  const actor = (event.data['webhook'] as WebhookMark | undefined)?.identity ?? SYSTEM;
  if (actor === recipient) return undefined;
  const template = s[`${kind}_template`] ?? defaultTemplates[kind];
  return {
    event, place, kind, messageSid: null, actor, recipient,
    written: (people) => ({
      text: written(template, place, { sid: null, identity: actor }, people), sound: s[`${kind}_sound`] ?? null, badge: false,
      data: { ...titled(place), author: actor },
    }),
  };
}

function written(template: string, place: Place, actor: { sid: string | null; identity: string }, people: People, message?: TemplateSubject['message']): string {
  const conversation = { sid: place.sid, friendlyName: place.friendly_name, uniqueName: place.unique_name };
  const participant = { ...actor, friendlyName: people.nameOf(place.chat_service_sid, actor.identity), address: null };
  return rendered(template, variablesOf({ conversation, participant, ...(message && { message }) }));
}

const titled = ({ sid, friendly_name, unique_name }: Place): PushData => ({ conversation_sid: sid, conversation_title: friendly_name || unique_name || sid });
