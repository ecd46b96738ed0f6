/** Settings of the timers alone, beside those every service shares. */
import { integer } from '@parley/runtime/config';

export type RetentionConfig = {
  /** How often timers that have run out are looked for. */
  timerMillis: number;
};

export const retentionConfig = (env: NodeJS.ProcessEnv = process.env): RetentionConfig => ({
  timerMillis: integer(env, 'TIMER_SWEEP_MILLIS', 1000, 10, 60_000),
});
