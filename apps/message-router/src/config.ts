/** Settings of the router alone, beside those every service shares. */
import { integer } from '@parley/runtime/config';

export type RouterConfig = {
  /** A delivery not begun after this long has failed. */
  deadlineSeconds: number;
  /** How often what is due is looked for. */
  sweepMillis: number;
};

export const routerConfig = (env: NodeJS.ProcessEnv = process.env): RouterConfig => ({
  deadlineSeconds: integer(env, 'DELIVERY_DEADLINE_SECONDS', 14_400, 1, 604_800),
  sweepMillis: integer(env, 'DELIVERY_SWEEP_MILLIS', 1000, 10, 60_000),
});
