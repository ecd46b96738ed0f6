/**
 * The platform's WebSocket, noting which of the SDK's requests were answered. The SDK gives a request 30 s, and where it closes a
 * socket itself (a token that ended, shutdown) it forgets to call off those under way: only what an open line swallowed is our fault.
 */
type Asked = { at: number; socket: WatchedSocket };

const asked = new Map<string, Asked>();
/** An answer that is not there this long after its request does not come. */
const PATIENCE_MILLIS = 10_000;
const header = (frame: ArrayBufferLike | ArrayBufferView): { method?: string; id?: string } => {
  const bytes = ArrayBuffer.isView(frame) ? Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength) : Buffer.from(frame);
  return JSON.parse(bytes.toString('utf8').split('\r\n', 2)[1] ?? '{}') as { method?: string; id?: string };
};

class WatchedSocket extends WebSocket {
  endedAt: number | undefined;

  constructor(url: string | URL) {
    super(url);
    this.addEventListener('message', ({ data }) => {
      const { method, id } = header(data as ArrayBuffer);
      if (method === 'reply') asked.delete(id!);
    });
    this.addEventListener('close', () => (this.endedAt ??= Date.now()));
  }

  override send(frame: any): void {
    const { method, id } = header(frame as ArrayBuffer);
    if (method !== 'reply' && method !== 'close') asked.set(id!, { at: Date.now(), socket: this });
    super.send(frame);
  }

  override close(): void {
    this.endedAt ??= Date.now();
    super.close();
  }
}

export function watchSockets(): void { globalThis.WebSocket = WatchedSocket; }

/** Whether the request that an error of the SDK names stood on a line that stayed open. */
export function swallowed(message: string): boolean {
  const { at, socket } = asked.get(/\bTM[0-9a-f-]{36}/.exec(message)?.[0] ?? '') ?? {};
  return at === undefined || (socket!.endedAt ?? Infinity) - at > PATIENCE_MILLIS;
}
