/** The text of a notification from the service's template (API reference 8): `${NAME}` is replaced, what has no meaning is left empty. */
import type { PushKind } from './push-provider.js';

/** API reference 3.4 and 8. In characters; half a pair is none. */
export const TEXT_CHARS_MAX = 178;

export const defaultTemplates: Readonly<Record<PushKind | 'with_media', string>> = {
  new_message: '${CONVERSATION}:${PARTICIPANT}: ${MESSAGE}',
  with_media: 'You have a new message in ${CONVERSATION} with ${MEDIA_COUNT} media files: ${MEDIA}',
  added_to_conversation: 'You have been added to the conversation ${CONVERSATION} by ${PARTICIPANT}',
  removed_from_conversation: '${PARTICIPANT} has removed you from the conversation ${CONVERSATION}',
};

/** Who or what the notification is about; null: there is none. */
export type TemplateSubject = {
  conversation: { sid: string; friendlyName: string | null; uniqueName: string | null };
  participant: { sid: string | null; identity: string | null; friendlyName: string | null; address: string | null };
  message?: { body: string | null; media: readonly { filename: string | null; contentType: string }[] };
};

/** What each variable stands for. The first that is there, in this order. */
export function variablesOf({ conversation: c, participant: p, message }: TemplateSubject): Record<string, string> {
  const name = p.friendlyName || p.identity || p.address || '';
  return {
    PARTICIPANT: name, PARTICIPANT_FRIENDLY_NAME: name, PARTICIPANT_IDENTITY: p.identity || p.address || '', PARTICIPANT_SID: p.sid ?? '',
    CONVERSATION: c.uniqueName || c.friendlyName || c.sid, CONVERSATION_FRIENDLY_NAME: c.friendlyName || c.uniqueName || c.sid,
    CONVERSATION_SID: c.sid, CONVERSATION_UNIQUE_NAME: c.uniqueName ?? '',
    MESSAGE: message?.body ?? '', MEDIA_COUNT: String(message?.media.length ?? 0),
    MEDIA: (message?.media ?? []).map(({ filename, contentType }) => filename || contentType).join(', '),
  };
}

/** In one pass: what a person wrote is never taken for a variable. */
export function rendered(template: string, variables: Readonly<Record<string, string>>): string {
  return shortened(template.replace(/\$\{([A-Z_]+)\}/g, (whole, name: string) => (Object.hasOwn(variables, name) ? variables[name]! : whole)));
}

function shortened(text: string): string {
  if (text.length <= TEXT_CHARS_MAX) return text;
  return [...text].slice(0, TEXT_CHARS_MAX).join('');
}
