/** Reads what clients send (docs/websocket.md): JSON objects with a `type`, everything bounded by its schema. */
import { clientFrames, frameId, type ClientFrame, type ClientFrameType } from '@parley/contracts/stream/client-frames';

/** Bytes of a client's frame; larger ones close the socket with 1009. */
export const FRAME_BYTES_MAX = 128 * 1024;
export type FrameOf<Type extends ClientFrameType> = Extract<ClientFrame, { type: Type }>;
type Id = ClientFrame['id'];

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
  const named = frameId.optional().safeParse(id);
  if (!named.success) throw new FrameError('malformed', named.error.issues[0]!.message);
  if (!Object.hasOwn(clientFrames, type)) throw new FrameError('unknown', `There is no frame of type ${JSON.stringify(type.slice(0, 40))}`);
  const read = clientFrames[type as ClientFrameType].safeParse(frame);
  if (read.success) return read.data as ClientFrame;
  const { path, message } = read.error.issues[0]!;
  throw new FrameError(type === 'hello' ? 'malformed' : 'invalid', `${path.join('.').slice(0, 80)}: ${message}`, named.data);
}
