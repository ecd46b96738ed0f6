/** Whether everything that follows the log has come to its end: consumers, the relay to the bus. */
import { connectDatabase } from '../../infra/local/database.mjs';

/** Facts not yet worked off, by consumer. A consumer that never saved a place in a shard has all of it before it. */
export async function logLag(client: Awaited<ReturnType<typeof connectDatabase>>): Promise<Record<string, number>> {
  const { rows } = await client.query<{ consumer: string; lag: string }>(
    `select c.consumer, sum(s.head - coalesce(p.position, 0)) as lag
       from (select distinct consumer from log.checkpoint) c cross join log.shard s
       left join log.checkpoint p on p.consumer = c.consumer and p.shard = s.shard
      group by c.consumer`,
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
      if (Object.values(lags).every((lag) => lag === 0)) return elapsed;
      if (elapsed > seconds * 1000) throw new Error(`not caught up after ${seconds} s: ${JSON.stringify(lags)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await client.end();
  }
}
