/** What a delivery carries on its channel: a template's rendering for it, the message's files, or its text. */
import type { ChannelLimits, OutboundMedia } from '@parley/channel/channel-adapter';
import { renderContent } from '@parley/domain/content-template';
import type { Claim } from './delivery-store.js';

/** Files of messages, as a channel app gets at them. */
export type Files = {
  /** A temporary address, for the carrier to fetch it from. */
  urlOf(sid: string): string;
  open?(account: string, sid: string): NonNullable<OutboundMedia['open']>;
};

export type Outgoing = {
  body: string | null;
  media: OutboundMedia[];
  rich?: Readonly<Record<string, unknown>>;
  inReplyTo?: string;
  automatic?: true;
  /** Of the files of ours among them. */
  bytes: number;
  /** A file is still on its way here from the carrier it came by. */
  pending: boolean;
};

/** Of one message (channel facts, 1.11). */
const MEDIA_MAX = 10;

/** 0 where files can only be linked to. */
export const filesMaxOf = ({ channel, capabilities }: Claim, { mediaMax = MEDIA_MAX }: ChannelLimits): number =>
  (channel === 'sms' && capabilities !== null && !capabilities.includes('mms') ? 0 : mediaMax);

/**
 * On a way of a template, the template stands for the message, whose text is its first variable; without line breaks, which
 * templates do not take. undefined: it is not approved, or gone.
 */
export function withTemplate(claim: Claim): Claim | undefined {
  const { template, stored_template: stored, body } = claim;
  if (template === null) return claim;
  if (stored?.approval?.status !== 'approved') return undefined;
  const { types, variables, language, approval } = stored;
  const rendered = renderContent(types, { ...variables, '1': (body ?? '').replaceAll(/\s+/g, ' ').trim() }, { name: approval.name, category: approval.category, language });
  return rendered && { ...claim, files: null, content: { channels: rendered.channels } };
}

/** As the recipient may see them: a user by name, somebody outside the chat by what their attributes call them, never by number. */
export function authorOf({ author_name, author_attributes }: Claim): string | null {
  if (author_name !== null || author_attributes === null) return author_name;
  try {
    const { display_name, name } = (JSON.parse(author_attributes) ?? {}) as { display_name?: unknown; name?: unknown };
    return [display_name, name].find((each): each is string => typeof each === 'string' && each.trim() !== '') ?? null;
  } catch {
    return null;
  }
}

export function outgoingOf(claim: Claim, { urlOf, open }: Files): Outgoing {
  const { account, channel, body, files, content, part } = claim;
  if (part) return { body: part.body, media: [], bytes: 0, pending: false };
  const rendered = content?.channels[channel as keyof typeof content.channels];
  if (rendered) {
    const media = rendered.mediaUrls.map((url) => ({ url, contentType: null, filename: null, bytes: null }));
    return { body: rendered.body, media, bytes: 0, pending: false };
  }
  if (files === null || files.length === 0) return { body, media: [], bytes: 0, pending: false };
  // A message with files goes without its text (API reference 3.9), but a mail has room for both.
  return {
    body: channel === 'email' ? body : null, bytes: files.reduce((sum, { size }) => sum + size, 0), pending: files.some(({ state }) => state === 'fetching'),
    media: files.map(({ sid, size, content_type, filename }) => ({
      url: urlOf(sid), contentType: content_type, filename, bytes: size, ...(open && { open: open(account, sid) }),
    })),
  };
}
