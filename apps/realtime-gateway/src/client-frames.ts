/** What clients may send (docs/websocket.md), checked by hand: JSON objects with a `type`, everything bounded. */
import { isSid } from '@parley/domain/sid';

type Id = string | number | undefined;
export type ClientFrame =
  | { type: 'hello'; id: Id; token: string }
  | { type: 'subscribe'; id: Id; conversations: 'all' | string[]; from: Map<string, number> }
  | { type: 'unsubscribe'; id: Id; conversations: 'all' | string[] }
  | { type: 'ping'; id: Id }
  | { type: 'pong'; id: Id };

/** Bytes of a client's frame; larger ones close the socket with 1009. */
export const FRAME_BYTES_MAX = 128 * 1024;
const TOKEN_CHARS_MAX = 8_192;
const CONVERSATIONS_MAX = 1_000;
const ID_CHARS_MAX = 64;

/** `malformed` closes the socket with 4000, `unknown` with 4004, `invalid` is answered by an error frame. */
export class FrameError extends Error {
  constructor(readonly kind: 'malformed' | 'unknown' | 'invalid', message: string, readonly id?: Id) {
    super(message);
  }
}

/** Throws FrameError. */
export function parseClientFrame(text: string): ClientFrame {
  let frame: Record<string, unknown>;
  try {
    frame = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new FrameError('malformed', 'A frame is a JSON object');
  }
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) throw new FrameError('malformed', 'A frame is a JSON object');
  const { type, id } = frame;
  if (typeof type !== 'string') throw new FrameError('malformed', 'A frame has a type');
  if (id !== undefined && !(typeof id === 'number' || (typeof id === 'string' && id.length <= ID_CHARS_MAX)))
    throw new FrameError('malformed', `id is a number or at most ${ID_CHARS_MAX} characters`);
  switch (type) {
    case 'hello': {
      const { token } = frame;
      if (typeof token !== 'string' || token === '' || token.length > TOKEN_CHARS_MAX)
        throw new FrameError('malformed', `token is a string of at most ${TOKEN_CHARS_MAX} characters`);
      return { type, id, token };
    }
    case 'subscribe': return { type, id, conversations: conversationsOf(frame, id), from: positionsOf(frame, id) };
    case 'unsubscribe': return { type, id, conversations: conversationsOf(frame, id) };
    case 'ping':
    case 'pong': return { type, id };
    default: throw new FrameError('unknown', `There is no frame of type ${JSON.stringify(type.slice(0, 40))}`);
  }
}

function conversationsOf({ conversations }: Record<string, unknown>, id: Id): 'all' | string[] {
  if (conversations === 'all') return 'all';
  if (!Array.isArray(conversations) || conversations.length === 0 || conversations.length > CONVERSATIONS_MAX)
    throw new FrameError('invalid', `conversations is "all" or a list of 1 to ${CONVERSATIONS_MAX} conversation SIDs`, id);
  for (const sid of conversations)
    if (typeof sid !== 'string' || !isSid(sid, 'CH')) throw new FrameError('invalid', 'conversations holds something that is no conversation SID', id);
  return [...new Set(conversations as string[])];
}

function positionsOf({ from }: Record<string, unknown>, id: Id): Map<string, number> {
  if (from === undefined || from === null) return new Map();
  if (typeof from !== 'object' || Array.isArray(from)) throw new FrameError('invalid', 'from maps conversation SIDs to positions', id);
  const entries = Object.entries(from);
  if (entries.length > CONVERSATIONS_MAX) throw new FrameError('invalid', `from holds at most ${CONVERSATIONS_MAX} conversations`, id);
  for (const [sid, position] of entries)
    if (!isSid(sid, 'CH') || !Number.isSafeInteger(position) || (position as number) < 0)
      throw new FrameError('invalid', 'from maps conversation SIDs to positions, whole numbers from 0', id);
  return new Map(entries as Array<[string, number]>);
}
