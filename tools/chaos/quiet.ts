/** The end of a run: everything that was begun must come to its end by itself. */
import { setTimeout as pause } from 'node:timers/promises';
import { connectDatabase } from '../../infra/local/database.mjs';
import { logLag } from '../bench/log-progress.ts';

export type Unfinished = { logLag: Record<string, number>; deliveries: number; unreported: number; inbox: number; callbacks: number };

const EVERY_MILLIS = 100;

/** What is still under way inside, one snapshot. */
async function unfinished(client: Awaited<ReturnType<typeof connectDatabase>>): Promise<Unfinished> {
  const { rows } = await client.query<Record<'deliveries' | 'unreported' | 'inbox' | 'callbacks', string>>(
    `select (select count(*) from delivery.delivery where state in ('queued', 'sending', 'unknown', 'accepted', 'sent')) as deliveries,
            (select count(*) from delivery.delivery where state in ('sent', 'delivered', 'read', 'failed', 'undelivered') and reported is distinct from state) as unreported,
            (select count(*) from delivery.inbox where state = 'received') as inbox,
            (select count(*) from simulator.callback) as callbacks`,
  );
  const { deliveries, unreported, inbox, callbacks } = rows[0]!;
  const lags = Object.entries(await logLag(client)).filter(([, lag]) => lag > 0);
  return {
    logLag: Object.fromEntries(lags), deliveries: Number(deliveries), unreported: Number(unreported), inbox: Number(inbox), callbacks: Number(callbacks),
  };
}

/** Resolves with the seconds it took until `done`, or undefined when it is not done after `seconds`, and the last look. */
export async function settled(
  databaseUrl: string, seconds: number, done: (left: Unfinished) => boolean,
): Promise<{ seconds: number | undefined; left: Unfinished }> {
  const client = await connectDatabase(databaseUrl);
  const begin = performance.now();
  try {
    for (;;) {
      const left = await unfinished(client);
      const elapsed = (performance.now() - begin) / 1000;
      if (done(left)) return { seconds: Math.round(elapsed * 10) / 10, left };
      if (elapsed > seconds) return { seconds: undefined, left };
      await pause(EVERY_MILLIS);
    }
  } finally {
    await client.end();
  }
}

export const logIsFollowed = ({ logLag }: Unfinished): boolean => Object.keys(logLag).length === 0;
export const allIsDone = (left: Unfinished): boolean =>
  logIsFollowed(left) && left.deliveries === 0 && left.unreported === 0 && left.inbox === 0 && left.callbacks === 0;
