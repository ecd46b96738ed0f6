/** Settings of the gateway alone, beside those every service shares. */
import { ConfigError, integer, type Config } from '@parley/runtime/config';

export type GatewayConfig = Pick<Config, 'databaseUrl' | 'publicUrl'> & {
  /** Requests per second and account, over all instances; twice as many in a burst. */
  rateLimitRps: number;
  /** Connections for reads, shared by all requests; apart from those that commands use. */
  readConnections: number;
  /** One uploaded file. */
  mediaBytesMax: number;
  /** After the upload: what no message has by then is removed. */
  mediaUnattachedSeconds: number;
  /** Of the token endpoint for development; without one there is none. */
  developmentTokenPassword: string | undefined;
};

const PASSWORD_CHARS_MIN = 12;

export const gatewayConfig = (shared: Config, env: NodeJS.ProcessEnv = process.env): GatewayConfig => ({
  databaseUrl: shared.databaseUrl,
  publicUrl: shared.publicUrl,
  rateLimitRps: integer(env, 'RATE_LIMIT_RPS', 20_000, 1, 1_000_000),
  readConnections: integer(env, 'READ_CONNECTIONS', 2, 1, 100),
  mediaBytesMax: integer(env, 'MEDIA_BYTES_MAX', 157_286_400, 1, 2_147_483_647),
  mediaUnattachedSeconds: integer(env, 'MEDIA_UNATTACHED_SECONDS', 300, 1, 86_400),
  developmentTokenPassword: password(env['DEVELOPMENT_TOKEN_PASSWORD'] ?? ''),
});

function password(text: string): string | undefined {
  if (text === '' || text === 'off') return undefined;
  if (text.length < PASSWORD_CHARS_MIN) throw new ConfigError(`DEVELOPMENT_TOKEN_PASSWORD has less than ${PASSWORD_CHARS_MIN} characters: who guesses it is any user`);
  return text;
}
