/**
 * Administration from the command line: `npm run parley -- <command>`. Answers are JSON on stdout, one line each;
 * errors are one line on stderr that says what to do, exit code 1.
 */
import { createPool } from '@parley/event-store/database';
import { MigrationError } from '@parley/event-store/migrate';
import { rebuildModels } from '@parley/event-store/rebuild';
import { DataKeys } from '@parley/event-store/data-keys';
import { SecretBox } from '@parley/event-store/secret-box';
import { ConfigError, readConfig, type Config } from '@parley/runtime/config';
import { deliveryCommand, deliveryHelp } from './delivery-commands.js';
import { environmentOfInstallation } from './running-installation.js';
import { createAccount, setup } from './setup.js';

const help = `usage: parley <command>

  setup                   migrate the databases, make the first account, print its credentials
  account create [name]   another account, with its first API key and default service
  rebuild                 build the read models again from the log while serving, then swap them in
  parked                  events a consumer could not handle, oldest first
${deliveryHelp}
  help                    this text

Works on the installation that runs under PARLEY_HOME (default .parley/), or on the one that DATABASE_URL and PARLEY_KEK name.`;

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

async function main([command, ...args]: string[]): Promise<void> {
  if (command === undefined || command === 'help' || command === '--help') {
    process.stdout.write(`${help}\n`);
    return;
  }
  const config = readConfig(environmentOfInstallation());
  switch (command) {
    case 'setup': return print(await setup(config));
    case 'rebuild':
      return withPools(config, async ({ pool, keys }) => print(await rebuildModels(pool, keys, (line) => process.stderr.write(`${line}\n`))));
    case 'account':
      if (args[0] !== 'create') throw new ConfigError('usage: parley account create [name]');
      return withPools(config, async ({ pool, keysPool, box }) => print(await createAccount(pool, keysPool, box, args[1] ?? 'Account')));
    case 'parked':
      return withPools(config, async ({ pool }) => {
        const { rows } = await pool.query('select * from log.parked order by next_at limit 1000');
        for (const row of rows) print(row);
      });
    case 'sender': case 'dead-letters': case 'replay':
      return withPools(config, async (parts) => { for (const line of await deliveryCommand([command, ...args], parts)) print(line); });
    default: throw new ConfigError(`no such command: ${command}; see parley help`);
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

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { message, code } = error as { message?: string; code?: string };
  const known = error instanceof ConfigError || error instanceof MigrationError;
  process.stderr.write(`${known ? message : `${code ?? 'error'}: ${message ?? String(error)}; is DATABASE_URL right and the database running?`}\n`);
  process.exitCode = 1;
}
