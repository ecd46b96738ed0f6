/** Settings of the router alone, beside those every service shares. */
import { integer } from '@parley/runtime/config';

export type RouterConfig = {
  /** A delivery not begun after this long has failed. */
  deadlineSeconds: number;
  /** How often what is due is looked for. */
  sweepMillis: number;
  /** What another number of ours is told of a group is taken after this long, unless the one that is listened to told it. */
  groupReportWaitMillis: number;
};

export const routerConfig = (env: NodeJS.ProcessEnv = process.env): RouterConfig => ({
  deadlineSeconds: integer(env, 'DELIVERY_DEADLINE_SECONDS', 14_400, 1, 604_800),
  sweepMillis: integer(env, 'DELIVERY_SWEEP_MILLIS', 1000, 10, 60_000),
  groupReportWaitMillis: integer(env, 'GROUP_REPORT_WAIT_SECONDS', 60, 1, 1800) * 1000,
});
