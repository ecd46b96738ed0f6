/** What a delivery carries on its channel: a template's rendering for it, the message's files, or its text. */
import type { OutboundMedia } from '@parley/channel/channel-adapter';
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
  /** Of the files of ours among them. */
  bytes: number;
  /** A file is still on its way here from the carrier it came by. */
  pending: boolean;
};

export function outgoingOf({ account, channel, body, files, content }: Claim, { urlOf, open }: Files): Outgoing {
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
