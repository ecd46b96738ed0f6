/** So many at once, the others in line. */
import { SendError } from '../../send-error.js';

type Waiting = { enter(): void; refuse(): void };

export class Window {
  private inside = 0;
  private readonly line = new Set<Waiting>();

  constructor(private readonly size: number) {}

  get load(): number { return this.inside + this.line.size; }

  /** Resolves with what has to be called at the end. Throws SendError `unreachable` when the signal or `clear` came first. */
  enter(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        this.inside++;
        leaveLine();
        resolve(() => this.leave());
      };
      const refuse = () => {
        leaveLine();
        reject(new SendError('unreachable', 'retryable'));
      };
      const waiting = { enter, refuse };
      const leaveLine = () => {
        this.line.delete(waiting);
        signal.removeEventListener('abort', refuse);
      };
      if (signal.aborted) return refuse();
      if (this.inside < this.size) return enter();
      this.line.add(waiting);
      return signal.addEventListener('abort', refuse, { once: true });
    });
  }

  /** Those in line are refused: what they wait for is gone. */
  clear(): void {
    for (const { refuse } of this.line) refuse();
  }

  private leave(): void {
    this.inside--;
    const [next] = this.line;
    next?.enter();
  }
}
