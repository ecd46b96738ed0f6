/**
 * Names of the synchronised objects the SDK opens. Nothing is stored about them: each name and SID tells what it stands for,
 * so every instance understands what another one gave out.
 */
import { isSid } from '@parley/domain/sid';

export type ObjectType = 'document' | 'list' | 'map';
export type ConversationPart = 'document' | 'messages' | 'roster';
export type SyncObject =
  | { kind: ConversationPart; conversation: string }
  /** The conversations a user is in. */
  | { kind: 'mine'; user: string }
  /** Name, attributes and reachability of a user, who is named by SID or by identity. */
  | { kind: 'info'; user: string }
  | { kind: 'info'; identity: string };

export const typeOf = (kind: SyncObject['kind']): ObjectType => (kind === 'document' ? 'document' : kind === 'messages' ? 'list' : 'map');

const suffixes: Record<ConversationPart, string> = { document: 'channel', messages: 'messages', roster: 'roster' };
export const nameOf = (kind: ConversationPart, conversation: string): string => `${conversation}.${suffixes[kind]}`;
export const mineName = (user: string): string => `${user}.my_conversations`;
export const infoName = (user: string): string => `${user}.info`;
/** Participants are told of by identity: whether that user exists is looked up when somebody opens it. */
export const infoNameOfIdentity = (identity: string): string => `${Buffer.from(identity).toString('base64url')}.identity`;

const prefixes = { document: 'ET', messages: 'ES', roster: 'MP', mine: 'MPm', info: 'MPu' } as const;
export const sidOf = (kind: SyncObject['kind'], of: string): string => prefixes[kind] + of.slice(2);

const sid = /^(?:(ET|ES|MP)|(MPm)|(MPu))([0-9a-f]{32})$/;
const partOfPrefix: Record<string, ConversationPart> = { ET: 'document', ES: 'messages', MP: 'roster' };

/** By SID or by name; undefined: nothing of ours. */
export function syncObject(id: string): SyncObject | undefined {
  const [, part, mine, info, hex] = sid.exec(id) ?? [];
  if (part !== undefined) return { kind: partOfPrefix[part]!, conversation: `CH${hex}` };
  if (mine !== undefined) return { kind: 'mine', user: `US${hex}` };
  if (info !== undefined) return { kind: 'info', user: `US${hex}` };
  const dot = id.lastIndexOf('.');
  const [owner, what] = [id.slice(0, dot), id.slice(dot + 1)];
  if (what === 'identity' && dot > 0) {
    const identity = Buffer.from(owner, 'base64url').toString('utf8');
    return identity.includes('\0') ? undefined : { kind: 'info', identity };
  }
  if (isSid(owner, 'US')) return what === 'my_conversations' ? { kind: 'mine', user: owner } : what === 'info' ? { kind: 'info', user: owner } : undefined;
  if (!isSid(owner, 'CH')) return undefined;
  const kind = (Object.keys(suffixes) as ConversationPart[]).find((each) => suffixes[each] === what);
  return kind && { kind, conversation: owner };
}
