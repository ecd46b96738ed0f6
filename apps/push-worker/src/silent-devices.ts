/** Devices that were not heard of for long are forgotten: their app is gone, and no push service said so. */
import type { RegistryCommands } from '@parley/contracts/commands';
import type { Pool } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';

const AT_ONCE = 1000;
const log = logger('push-worker');

/** Some at a time. Who registers meanwhile stays. */
export async function removeSilentDevices(pool: Pick<Pool, 'query'>, registry: Pick<RegistryCommands, 'remove'>, days: number, stopping: AbortSignal): Promise<void> {
  const { rows } = await pool.query<{ sid: string; account: string; updated_at: string }>(
    `select sid, account, updated_at from model.push_binding where updated_at < now() - $1 * interval '1 day' limit ${AT_ONCE}`, [days]);
  for (const { account, sid, ...seen } of rows) {
    if (stopping.aborted) return;
    await registry.remove({ account }, 'PushBinding', sid, seen).catch((error: unknown) => log.debug('a silent device is not removed', { sid, error }));
  }
}
