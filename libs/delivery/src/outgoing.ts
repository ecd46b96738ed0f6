/** What a delivery carries on its channel: a template's rendering for it, the message's files, or its text. */
import type { Claim } from './delivery-store.js';

export type Outgoing = {
  body: string | null;
  mediaUrls: string[];
  /** Of the files of ours among them. */
  bytes: number;
  /** A file is still on its way here from the carrier it came by. */
  pending: boolean;
};

/** `urlOf` makes a temporary address of a file, for the carrier to fetch it from. */
export function outgoingOf({ channel, body, files, content }: Claim, urlOf: (sid: string) => string): Outgoing {
  const rendered = content?.channels[channel as keyof typeof content.channels];
  if (rendered) return { ...rendered, bytes: 0, pending: false };
  if (files === null || files.length === 0) return { body, mediaUrls: [], bytes: 0, pending: false };
  // A message with files goes without its text (API reference 3.9).
  return {
    body: null, mediaUrls: files.map(({ sid }) => urlOf(sid)), bytes: files.reduce((sum, { size }) => sum + size, 0),
    pending: files.some(({ state }) => state === 'fetching'),
  };
}
