/** Notifications as lanes of work (libs/delivery/lane-worker.ts), a device each: of which facts, by whose credentials, and how many at once. */
import type { RegistryCommands } from '@parley/contracts/commands';
import { LaneWorker } from '@parley/delivery/lane-worker';
import { createWorkPool } from '@parley/delivery/work-pool';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import type { LogTail } from '@parley/event-store/log-tail';
import type { SecretBox } from '@parley/event-store/secret-box';
import type { PushConfig } from './config.js';
import { Credentials } from './credentials.js';
import { Deliverer } from './deliverer.js';
import { pushJobs, type Claim, type End } from './job-table.js';
import { concernsPush, planPushes, pushedTypes, sift } from './push-planner.js';
import { removeSilentDevices } from './silent-devices.js';

export type WorkerParts = {
  pool: Pool; databaseUrl: string; tail: LogTail; accounts: Pick<Accounts, 'find'>; box: SecretBox; registry: Pick<RegistryCommands, 'remove'>;
  /** Stable identity of this instance. */
  instance: string;
};

/** Nobody waits for a notification so closely that the checkpoint should move for every fact. */
const GATHER_MILLIS = 25;

export class PushWorker extends LaneWorker<Claim, End> {
  private readonly credentials: Credentials;

  constructor({ pool, databaseUrl, tail, accounts, box, registry, instance }: WorkerParts, config: PushConfig) {
    const { retryMillis, sweepMillis, timeoutMillis, lifetimeSeconds, deviceDays, addresses } = config;
    const workPool = createWorkPool(databaseUrl);
    const credentials = new Credentials(workPool, box, addresses);
    const deliverer = new Deliverer({ pool: workPool, credentials, accounts, registry, retryMillis, timeoutMillis });
    super({
      facts: {
        name: 'push-worker', pool, tail, owner: instance, types: pushedTypes, concerns: concernsPush(lifetimeSeconds * 1000), sift: (events) => sift(pool, events),
        gatherMillis: GATHER_MILLIS,
      },
      plan: (tx, events) => planPushes(tx, events, lifetimeSeconds), jobs: pushJobs, workPool, sweepMillis,
      // With one credential half of an account's calls at most: HTTP/2 carries them side by side.
      accountMax: 128, hostMax: 64,
      deliver: (claim, signal) => deliverer.deliver(claim, signal),
      upkeep: (stopping) => removeSilentDevices(workPool, registry, deviceDays, stopping),
    });
    this.credentials = credentials;
  }

  override async stop(): Promise<void> {
    await super.stop();
    this.credentials.close();
  }
}
