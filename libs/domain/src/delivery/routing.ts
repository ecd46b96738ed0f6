/**
 * How a message reaches one person outside the chat: whether it may go now, later, another way or not at all. Pure: what is
 * known about message, channel and person goes in, the decision comes out. Policies are stored JSON: add, never rename.
 */
import { channelOf, channelOfProxy, type ChannelType } from '../address.js';
import { quietUntil, type QuietHours } from './quiet-hours.js';
import { splitText } from './split-text.js';

/** Why a delivery may be tried another way; each stands for receipt codes (channel facts, 1.10 and 2.8). */
export const fallbackReasons = ['not_on_channel', 'outside_window', 'undeliverable', 'invalid_recipient', 'deadline'] as const;
export type FallbackReason = (typeof fallbackReasons)[number];
const codesOf: Readonly<Record<FallbackReason, readonly number[]>> = {
  not_on_channel: [63003, 63007, 63015, 63024],
  // Also: the template that should have gone instead cannot go.
  outside_window: [63016, 63027, 63028, 63030, 63041, 63042],
  undeliverable: [30003, 63032, 63049],
  invalid_recipient: [21211, 21614, 30005, 30006],
  deadline: [30001, 30036],
};

/** One further way. `template`: an approved one, with the message's text as its first variable. `sender`: from this address of ours. */
export type FallbackWay = { template?: string; sender?: string };
export type RoutingPolicy = {
  fallback?: { on?: readonly FallbackReason[]; ways: readonly FallbackWay[] };
  quiet_hours?: QuietHours;
  /** Beginnings of numbers (`+44`). The longest that fits decides; without `allow`, all that are not denied may be written to. */
  regions?: { allow?: readonly string[]; deny?: readonly string[] };
  /** Of a sender that takes no files: `link` (as here) puts their addresses into the text. */
  media?: 'link' | 'refuse';
  /** Whether the text begins with its author's name; `group`: where several people outside the chat get it. */
  author_name?: 'never' | 'group' | 'always';
  /** A text longer than a carrier takes: refused (as here), or sent by SMS as several messages. */
  long_text?: 'refuse' | 'split';
};

/** Where a delivery goes: the lane it waits in. */
export type Route = { channel: string; sender: string; recipient: string };
/** A further way of one delivery, with the receipt codes it is for. */
export type Leg = Route & { codes: readonly number[]; template?: string };

const numberOf = (address: string): string | undefined => /^(?:whatsapp:|rcs:)?(\+[1-9]\d{6,14})$/.exec(address)?.[1];
/** How the person is reached on another channel; undefined: not by what we know. */
function addressOn(channel: ChannelType, recipient: string): string | undefined {
  const number = numberOf(recipient);
  if (number === undefined) return undefined;
  const address = channel === 'sms' ? number : `${channel}:${number}`;
  return channelOf(address) === channel ? address : undefined;
}

/** The ways that are left to a delivery that has not been tried yet, in their order. */
export function legsOf({ fallback }: RoutingPolicy, first: Route): Leg[] {
  if (!fallback) return [];
  const codes = (fallback.on ?? fallbackReasons).flatMap((reason) => codesOf[reason]);
  return fallback.ways.flatMap(({ template, sender = first.sender }): Leg[] => {
    const channel = channelOfProxy(sender);
    const recipient = channel === first.channel ? first.recipient : channel && addressOn(channel, first.recipient);
    if (channel === undefined || recipient === undefined) return [];
    if (template !== undefined) return channel === 'whatsapp' ? [{ channel, sender, recipient, codes, template }] : [];
    return sender === first.sender ? [] : [{ channel, sender, recipient, codes }];
  });
}

/** The next way for a failure, and what is left after it. */
export function nextLeg(legs: readonly Leg[], errorCode: number): { leg: Leg; rest: Leg[] } | undefined {
  const at = legs.findIndex(({ codes }) => codes.includes(errorCode));
  return at < 0 ? undefined : { leg: legs[at]!, rest: legs.slice(at + 1) };
}

export type Attempted = Route & {
  /** Milliseconds since 1970. */
  now: number;
  policy: RoutingPolicy;
  /** Beginnings of the numbers this sender may write to; absent: all. */
  senderRegions?: readonly string[] | undefined;
  legs: readonly Leg[];
  text: string | null;
  /** Of the author, as the recipient may see it; null: nobody to name. */
  author: string | null;
  /** How many people outside the chat get the message. */
  audience: number;
  files: { url: string; bytes: number }[];
  limits: { textCharsMax: number; filesMax: number; fileBytesMax: number };
  optedOut: boolean;
  /** Past its deadline. */
  expired: boolean;
  /** `closed`: the person has been silent so long that only a template is let through. */
  window: 'open' | 'closed' | 'none';
  /** `template`: an approved one. `form`: of its channel's own (buttons, a place). `part`: of a long text. Nothing is put into any of them. */
  kind: 'text' | 'form' | 'template' | 'part';
};
export type Decision =
  | { do: 'send'; text: string | null; files: 'along' | 'linked' }
  /** As several messages, in this order. */
  | { do: 'split'; texts: string[] }
  | { do: 'wait'; until: number }
  | { do: 'next'; leg: Leg; rest: Leg[]; errorCode: number }
  | { do: 'fail'; errorCode: number };

/** Receipt codes of what is refused here, before any carrier is asked. */
export const refusals = {
  expired: 30036, optedOut: 21610, region: 21408, outsideWindow: 63016, nothing: 21619, tooLong: 21617, tooManyFiles: 21623, filesTooLarge: 30019, noFiles: 30011,
} as const;

export function route(attempted: Attempted): Decision {
  const refuse = (errorCode: number): Decision => {
    const next = nextLeg(attempted.legs, errorCode);
    return next ? { do: 'next', ...next, errorCode } : { do: 'fail', errorCode };
  };
  const { policy, limits, kind, files } = attempted;
  if (attempted.expired) return refuse(refusals.expired);
  if (attempted.optedOut) return refuse(refusals.optedOut);
  const ofSender = attempted.senderRegions && { allow: attempted.senderRegions };
  if (!regionAllowed(ofSender, attempted.recipient) || !regionAllowed(policy.regions, attempted.recipient)) return refuse(refusals.region);
  if (attempted.window === 'closed' && kind !== 'template') return refuse(refusals.outsideWindow);
  const linked = files.length > 0 && limits.filesMax === 0;
  if (linked && policy.media === 'refuse') return refuse(refusals.noFiles);
  if (!linked && files.length > limits.filesMax) return refuse(refusals.tooManyFiles);
  if (!linked && files.reduce((sum, { bytes }) => sum + bytes, 0) > limits.fileBytesMax) return refuse(refusals.filesTooLarge);
  const lines = [attempted.text ?? '', ...(linked ? files.map(({ url }) => url) : [])].filter((line) => line !== '');
  if (kind === 'text' && lines.length === 0 && files.length === 0) return refuse(refusals.nothing);
  const text = lines.length === 0 ? null : kind !== 'text' ? attempted.text : withAuthor(lines.join('\n'), attempted);
  const long = text !== null && text.length > limits.textCharsMax;
  const parts = long && policy.long_text === 'split' && kind === 'text' && attempted.channel === 'sms' && (linked || files.length === 0) ? splitText(text, limits.textCharsMax) : undefined;
  if (long && !parts) return refuse(refusals.tooLong);
  const until = quietUntil(policy.quiet_hours, attempted.channel, attempted.now);
  if (until !== undefined) return { do: 'wait', until };
  return parts ? { do: 'split', texts: parts } : { do: 'send', text, files: linked ? 'linked' : 'along' };
}

/** Mails show their author elsewhere. */
function withAuthor(text: string, { policy: { author_name = 'never' }, channel, author, audience }: Attempted): string {
  return channel === 'email' || author === null || author_name === 'never' || (author_name === 'group' && audience < 2) ? text : `${author}: ${text}`;
}

/** By the longest beginning that fits; addresses without a number have no region. */
export function regionAllowed(regions: RoutingPolicy['regions'], recipient: string): boolean {
  const number = numberOf(recipient);
  if (!regions || number === undefined) return true;
  const longest = (all: readonly string[] = []) => Math.max(-1, ...all.filter((each) => number.startsWith(each)).map(({ length }) => length));
  const [allowed, denied] = [longest(regions.allow), longest(regions.deny)];
  return denied < 0 ? regions.allow === undefined || allowed >= 0 : allowed > denied;
}
