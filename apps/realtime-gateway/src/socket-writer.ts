/**
 * What waits to be written to one websocket. Whole frames go to the TCP socket beside `ws`, which writes its own (close, pong) at
 * once and whole, so the two never cut each other's frames: the same bytes serve every receiver, nothing is framed per socket.
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Outbox, Outgoings } from './outbox.js';

const PENDING_FRAMES_MAX = 10_000;
/** So much goes out within the event-loop turn: a socket never holds more than `lagBytesMax`, this, and one frame. */
const PENDING_BYTES_MAX = 262_144;
/** Up to this size several frames are put together and written as one: cheaper than handing over a list. */
const JOINED_BYTES_MAX = 65_536;

export type SocketWriterOptions = {
  websocket: WebSocket;
  socket: Duplex;
  outbox: Outbox;
  /** Bytes waiting to be read by the client beyond which it is too slow. */
  lagBytesMax: number;
  /** It reads too slowly: nothing of what it missed is kept, it has to resume. */
  onLag(): void;
  /** The websocket said goodbye while frames waited. */
  onGone(): void;
};

export class SocketWriter implements Outgoings {
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private over = false;

  constructor(private readonly options: SocketWriterOptions) {}

  /** `frame`: a whole websocket frame; it goes out with this event-loop turn, or the next ones when many are to be told. */
  add(frame: Buffer): void {
    if (this.over) return;
    this.pendingBytes += frame.length;
    if (this.pending.push(frame) === 1) this.options.outbox.add(this);
    else if (this.pendingBytes > PENDING_BYTES_MAX) this.flush();
    else if (this.pending.length > PENDING_FRAMES_MAX) this.options.onLag();
  }

  flush(): number {
    const { pending, pendingBytes, options: { websocket, socket, lagBytesMax, onGone, onLag } } = this;
    if (this.over || pending.length === 0) return 0;
    if (websocket.readyState !== websocket.OPEN) { // saying goodbye already: nothing may follow a close frame
      onGone();
      return 0;
    }
    if (socket.writableLength > lagBytesMax) {
      onLag();
      return 0;
    }
    if (pending.length === 1) socket.write(pending[0]!);
    else if (pendingBytes <= JOINED_BYTES_MAX) socket.write(Buffer.concat(pending, pendingBytes));
    else {
      socket.cork();
      for (const frame of pending) socket.write(frame);
      socket.uncork();
    }
    this.pending = [];
    this.pendingBytes = 0;
    return pending.length;
  }

  /** Past everything that waits, which is dropped: for the last word to a client that lags. */
  lastWord(frame: Buffer): void {
    if (!this.over) this.options.socket.write(frame);
    this.stop();
  }

  /** Nothing is written any more. */
  stop(): void {
    this.over = true;
    this.pending = [];
    this.pendingBytes = 0;
  }

  /** Bytes written and not yet taken by the network. What is ended takes no more: nobody waits until it was read. */
  get backlog(): number {
    const { socket } = this.options;
    return socket.destroyed || socket.writableEnded ? 0 : socket.writableLength;
  }

  /** These and those about to be written. */
  get backlogWithPending(): number { return this.backlog + this.pendingBytes; }

  /** Resolves once the client has read most of what it was sent, or is gone; false when it did not within `millis`. */
  async drained(millis: number): Promise<boolean> {
    const { websocket, socket, onGone } = this.options;
    this.flush();
    if (websocket.readyState !== websocket.OPEN) onGone(); // its 'close' may be long in coming
    if (!socket.writableNeedDrain || this.over) return true;
    return new Promise((resolve) => {
      const done = (result: boolean) => {
        clearTimeout(timer);
        socket.off('drain', onEnd).off('close', onEnd);
        resolve(result);
      };
      const onEnd = () => done(true);
      const timer = setTimeout(() => done(false), millis);
      socket.on('drain', onEnd).on('close', onEnd);
    });
  }
}
