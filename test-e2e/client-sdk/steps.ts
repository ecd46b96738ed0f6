/** Named steps, counted and told as TAP while they happen. The first that fails ends the run. */
import { setTimeout as pause } from 'node:timers/promises';
import { swallowed, watchSockets } from './watched-socket.ts';

const PATIENCE_MILLIS = 60_000;
const LOOK_MILLIS = 20;
/**
 * What the SDK's own promises reject with, nobody waiting for them, when a line goes while it opens an object: twilio-sync takes the
 * word of twilsock for a final refusal. Nothing else may be left unhandled.
 */
const leftByCuts = /^(disconnected\b|Unable to connect\b)/;
const leftByCloses = /^Twilsock: request timeout\b/;

export class Steps {
  /** From the first line on that was cut. */
  linesAreCut = false;
  private count = 0;
  private readonly stray: Error[] = [];
  private leftBehind = 0;

  constructor() {
    watchSockets();
    process.on('unhandledRejection', (reason) => {
      const error = reason instanceof Error ? reason : new Error(String(reason));
      const { message, stack = '' } = error;
      const known = (this.linesAreCut && leftByCuts.test(message)) || (leftByCloses.test(message) && !swallowed(message));
      if (known && /node_modules\/(.*\/)?(twilio-sync|twilsock)\//.test(stack)) this.leftBehind++;
      else this.stray.push(error);
    });
  }

  /** Says `ok <number> - <name>`; throws what `work` throws. */
  step = async <Result>(name: string, work: () => Result | Promise<Result>): Promise<Result> => {
    const number = ++this.count;
    const started = performance.now();
    try {
      const result = await work();
      if (this.stray.length > 0) throw this.stray[0]!;
      console.log(`ok ${number} - ${name} # ${Math.round(performance.now() - started)} ms`);
      return result;
    } catch (error) {
      console.log(`not ok ${number} - ${name}`);
      throw error;
    }
  };

  end(): void {
    if (this.stray.length > 0) throw this.stray[0]!;
    console.log(`1..${this.count}`);
    console.log(`# promises of the SDK that nobody waited for when a line ended: ${this.leftBehind}`);
  }
}

/** Asks again until `check` answers something. */
export async function until<Result>(check: () => Result | undefined | false | Promise<Result | undefined | false>, what: string | (() => string), millis = PATIENCE_MILLIS): Promise<Result> {
  const deadline = Date.now() + millis;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`not within ${millis} ms: ${typeof what === 'string' ? what : what()}`);
    await pause(LOOK_MILLIS);
  }
}
