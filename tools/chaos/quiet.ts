/** The end of a run: everything that was begun must come to its end by itself. */
import { setTimeout as pause } from 'node:timers/promises';
import { connectDatabase } from '../../infra/local/database.mjs';
import { logHeads, logLag } from '../bench/log-progress.ts';

export type Unfinished = { logLag: Record<string, number>; deliveries: number; unreported: number; inbox: number; callbacks: number; groupReports: number };

const EVERY_MILLIS = 100;

/**
 * What is still under way inside, one snapshot. A receipt by SMPP whose submit was never answered waits for an id that nobody
 * will ever know: that one is not waited for. Of mail nobody reports more than that it was taken.
 */
async function unfinished(client: Awaited<ReturnType<typeof connectDatabase>>): Promise<Unfinished> {
  const { rows } = await client.query<Record<'deliveries' | 'unreported' | 'inbox' | 'callbacks' | 'reports', string>>(
    `select (select count(*) from delivery.delivery where state in ('queued', 'sending', 'unknown', 'accepted') or (state = 'sent' and channel <> 'email')) as deliveries,
            (select count(*) from delivery.delivery where state in ('sent', 'delivered', 'read', 'failed', 'undelivered') and reported is distinct from state) as unreported,
            (select count(*) from delivery.inbox where state = 'received' and not (carrier = 'smpp' and event->>'kind' = 'status')) as inbox,
            (select count(*) from simulator.callback) as callbacks,
            (select count(*) from delivery.group_report where due_at is not null) as reports`,
  );
  const { deliveries, unreported, inbox, callbacks, reports } = rows[0]!;
  return {
    logLag: await logLag(client), deliveries: Number(deliveries), unreported: Number(unreported), inbox: Number(inbox), callbacks: Number(callbacks), groupReports: Number(reports),
  };
}

export type Settled<T> = { /** Undefined: its time was up. */ seconds: number | undefined; /** The last look. */ left: T };

/** How long until all that follow the log have passed where it ends now; it may go on meanwhile. */
export function followed(databaseUrl: string, seconds: number): Promise<Settled<Record<string, number>>> {
  return withClient(databaseUrl, async (client) => {
    const heads = await logHeads(client);
    return looked(seconds, () => logLag(client, heads), (behind) => Object.keys(behind).length === 0);
  });
}

/** How long until nothing is under way any more. */
export function settled(databaseUrl: string, seconds: number): Promise<Settled<Unfinished>> {
  return withClient(databaseUrl, (client) => looked(seconds, () => unfinished(client), isNothing));
}

const isNothing = ({ logLag, deliveries, unreported, inbox, callbacks, groupReports }: Unfinished): boolean =>
  Object.keys(logLag).length === 0 && deliveries + unreported + inbox + callbacks + groupReports === 0;

async function looked<T>(seconds: number, look: () => Promise<T>, done: (left: T) => boolean): Promise<Settled<T>> {
  const begin = performance.now();
  for (;;) {
    const left = await look();
    const elapsed = (performance.now() - begin) / 1000;
    if (done(left)) return { seconds: Math.round(elapsed * 10) / 10, left };
    if (elapsed > seconds) return { seconds: undefined, left };
    await pause(EVERY_MILLIS);
  }
}

async function withClient<T>(databaseUrl: string, work: (client: Awaited<ReturnType<typeof connectDatabase>>) => Promise<T>): Promise<T> {
  const client = await connectDatabase(databaseUrl);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
