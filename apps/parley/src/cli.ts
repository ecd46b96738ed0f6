/**
 * Administration from the command line: `npm run parley -- <command>`. Answers are JSON on stdout, one line each;
 * errors are one line on stderr that says what to do: exit code 2 when the command line was not understood, else 1.
 */
import { createPool } from '@parley/event-store/database';
import { MigrationError } from '@parley/event-store/migrate';
import { rebuildModels } from '@parley/event-store/rebuild';
import { DataKeys } from '@parley/event-store/data-keys';
import { SecretBox } from '@parley/event-store/secret-box';
import { ConfigError, readConfig, type Config } from '@parley/runtime/config';
import { accountGroup, tokenGroup } from './account-commands.js';
import { connectionsGroup, messagingServicesGroup, optOutsGroup, sendersGroup } from './channel-commands.js';
import { CommandError, helpOf, understand, UsageError, type Group } from './command-group.js';
import { contentGroup } from './content-commands.js';
import { deliveryCommand, deliveryHelp } from './delivery-commands.js';
import { keyGroup } from './key-commands.js';
import type { Databases } from './new-account.js';
import { environmentOfInstallation } from './running-installation.js';
import { pushGroup } from './push-commands.js';
import { queuesGroup } from './queue-commands.js';
import { routingGroup } from './routing-commands.js';
import { serviceGroup } from './service-commands.js';
import { setup } from './setup.js';

const help = `usage: parley <command>

  setup                   migrate the databases, make the first account, print its credentials
  account | token | key | service | content <command>
                          accounts, auth tokens, API keys, services, content templates: see parley account --help and so on
  connections | senders | messaging-services | opt-outs | queues | routing <command>
                          carriers, what is sent from, pools, refusals, what waits, policies: see parley senders --help and so on
  push <command>          keys for Web Push, what became of notifications
  rebuild                 build the read models again from the log while serving, then swap them in
  parked                  events a consumer could not handle, oldest first
${deliveryHelp}
  help                    this text

Works on the installation that runs under PARLEY_HOME (default .parley/), or on the one that DATABASE_URL and PARLEY_KEK name.`;

/** Commands of one word, and those of delivery-commands.ts. */
const alone = ['setup', 'rebuild', 'parked'];
const ofDelivery = ['sender', 'dead-letters', 'replay'];
const groups = new Map([
  accountGroup, tokenGroup, keyGroup, serviceGroup, contentGroup, pushGroup, connectionsGroup, sendersGroup, messagingServicesGroup, optOutsGroup, queuesGroup,
  routingGroup,
].map((group): [string, Group<Databases>] => [group.name, group]));

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

async function main([command, ...args]: string[]): Promise<void> {
  // Behind a command too: who asks about `rebuild` does not want to rebuild.
  if (command === undefined || ['help', '--help', '-h'].includes(command) || (!groups.has(command) && args.some((arg) => ['--help', '-h'].includes(arg)))) {
    process.stdout.write(`${help}\n`);
    return;
  }
  const group = groups.get(command);
  const work = group && understand(group, args);
  if (group && !work) return void process.stdout.write(`${helpOf(group, args[0])}\n`);
  if (!group && ![...alone, ...ofDelivery].includes(command)) throw new UsageError(`no such command: ${command}; see parley help`);
  if (alone.includes(command) && args.length > 0) throw new UsageError(`usage: parley ${command}`);
  const config = readConfig(environmentOfInstallation());
  if (work) return withPools(config, async (parts) => { for (const line of await work(parts)) print(line); });
  switch (command) {
    case 'setup': return print(await setup(config));
    case 'rebuild':
      return withPools(config, async ({ pool, keys }) => print(await rebuildModels(pool, keys, (line) => process.stderr.write(`${line}\n`))));
    case 'parked':
      return withPools(config, async ({ pool }) => {
        const { rows } = await pool.query('select * from log.parked order by next_at limit 1000');
        for (const row of rows) print(row);
      });
    default:
      return withPools(config, async (parts) => { for (const line of await deliveryCommand([command, ...args], parts)) print(line); });
  }
}

type Pools = { pool: ReturnType<typeof createPool>; keysPool: ReturnType<typeof createPool>; box: SecretBox; keys: DataKeys };

async function withPools(config: Config, work: (pools: Pools) => Promise<void>): Promise<void> {
  const pool = createPool(config.databaseUrl, { max: 4 });
  const keysPool = createPool(config.keysDatabaseUrl, { max: 1 });
  const box = new SecretBox(config.kek);
  try {
    await work({ pool, keysPool, box, keys: new DataKeys(keysPool, box) });
  } finally {
    await Promise.all([pool.end(), keysPool.end()]);
  }
}

// Whoever reads the answer may stop reading: `| head -1`.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { message, code } = error as { message?: string; code?: string };
  const known = [ConfigError, MigrationError, UsageError, CommandError].some((kind) => error instanceof kind);
  const line = (message ?? String(error)).replaceAll('\n', ' ');
  process.stderr.write(`${known || code === undefined ? line : `${code}: ${line}; is DATABASE_URL right and the database running?`}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
