/** Whether everything that follows the log has come to its end: consumers, the relay to the bus. */
import { connectDatabase } from '../../infra/local/database.mjs';

type Client = Awaited<ReturnType<typeof connectDatabase>>;

/** The last position of every shard. */
export async function logHeads(client: Client): Promise<number[]> {
  const { rows } = await client.query<{ head: string }>('select head from log.shard order by shard');
  return rows.map(({ head }) => Number(head));
}

/**
 * Facts up to `heads` (absent: to the present end) not yet worked off, by consumer; only those that are behind. A consumer
 * that never saved a place in a shard has all of it before it.
 */
export async function logLag(client: Client, heads?: readonly number[]): Promise<Record<string, number>> {
  const { rows } = await client.query<{ consumer: string; lag: string }>(
    `select c.consumer, sum(greatest(0, s.head - coalesce(p.position, 0))) as lag
       from (select distinct consumer from log.checkpoint) c cross join unnest($1::bigint[]) with ordinality s (head, o)
       left join log.checkpoint p on p.consumer = c.consumer and p.shard = s.o - 1
      group by c.consumer having sum(greatest(0, s.head - coalesce(p.position, 0))) > 0`, [heads ?? (await logHeads(client))],
  );
  return Object.fromEntries(rows.map(({ consumer, lag }) => [consumer, Number(lag)]));
}

/** Resolves with the milliseconds it took. Throws with the lags when it takes longer than `seconds`. */
export async function caughtUp(databaseUrl: string, seconds: number): Promise<number> {
  const client = await connectDatabase(databaseUrl);
  const begin = performance.now();
  try {
    for (;;) {
      const lags = await logLag(client);
      const elapsed = performance.now() - begin;
      if (Object.keys(lags).length === 0) return elapsed;
      if (elapsed > seconds * 1000) throw new Error(`not caught up after ${seconds} s: ${JSON.stringify(lags)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await client.end();
  }
}
