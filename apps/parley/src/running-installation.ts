/**
 * Which installation the command line talks to: what the environment says, else the one under PARLEY_HOME (default
 * `.parley/`) that `npm start` runs right now.
 */
import { ConfigError } from '@parley/runtime/config';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export function environmentOfInstallation(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  if (env['DATABASE_URL'] && env['PARLEY_KEK']) return env;
  const home = resolve(env['PARLEY_HOME'] || '.parley');
  try {
    const run = JSON.parse(readFileSync(join(home, 'run.json'), 'utf8')) as Record<string, string>;
    return {
      ...env, DATABASE_URL: run['databaseUrl'], KEYS_DATABASE_URL: run['keysDatabaseUrl'], NATS_URL: run['natsUrl'],
      REDIS_URL: run['redisUrl'], PARLEY_KEK: env['PARLEY_KEK'] || readFileSync(join(home, 'kek'), 'utf8').trim(),
    };
  } catch {
    throw new ConfigError(`nothing runs under ${home}: start it (npm start -- --detach), or set DATABASE_URL and PARLEY_KEK`);
  }
}
