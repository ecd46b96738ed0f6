/** Settings from the environment, checked once at start: a wrong one ends the process with one line that says what to do. */
import { hostname } from 'node:os';

export type Config = {
  databaseUrl: string;
  /** Data keys live in a database of their own. */
  keysDatabaseUrl: string;
  natsUrl: string;
  redisUrl: string;
  /** 32 bytes, base64: wraps data keys and stored secrets. */
  kek: string;
  port: number;
  host: string;
  /** How the outside reaches us; carriers' webhooks are signed over it. Without a slash at the end. */
  publicUrl: string;
  /** Identity of this instance, stable over its restarts. */
  instance: string;
  /** Connections of the general pool; appends have four of their own. */
  poolMax: number;
  participantsMax: number;
  nonChatParticipantsMax: number;
  /** Conversations that are not closed. */
  conversationsPerUserMax: number;
};

export class ConfigError extends Error {
  override name = 'ConfigError';
}

export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const databaseUrl = required(env, 'DATABASE_URL');
  const port = integer(env, 'PORT', 8080, 0, 65_535);
  return {
    databaseUrl,
    keysDatabaseUrl: env['KEYS_DATABASE_URL'] || keysBeside(databaseUrl),
    natsUrl: env['NATS_URL'] || 'nats://127.0.0.1:4222',
    redisUrl: env['REDIS_URL'] || 'redis://127.0.0.1:6379',
    kek: required(env, 'PARLEY_KEK'),
    port,
    host: env['HOST'] || '127.0.0.1',
    publicUrl: (env['PUBLIC_URL'] || `http://127.0.0.1:${port}`).replace(/\/+$/, ''),
    instance: env['PARLEY_INSTANCE'] || hostname(),
    poolMax: integer(env, 'DATABASE_POOL_MAX', 8, 1, 200),
    participantsMax: integer(env, 'PARTICIPANTS_MAX', 1000, 1, 10_000),
    nonChatParticipantsMax: integer(env, 'NON_CHAT_PARTICIPANTS_MAX', 50, 0, 1000),
    conversationsPerUserMax: integer(env, 'CONVERSATIONS_PER_USER_MAX', 1000, 1, 100_000),
  };
}

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (!value) throw new ConfigError(`${name} is not set: give it, or start by \`npm start\`, which provides it`);
  return value;
}

export function integer(env: NodeJS.ProcessEnv, name: string, usual: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined || text === '') return usual;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new ConfigError(`${name}=${text} is not a whole number from ${min} to ${max}`);
  return value;
}

function keysBeside(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.pathname += '_keys';
  return url.href;
}
