/** Settings of the channel apps, beside those every service shares. */
import { ConfigError, integer, type Config } from './config.js';

export type ChannelConfig = {
  /** Settings of the installation for connections without their own, by carrier. */
  usualSettings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  simulatorUrl: string;
  /** A carrier that has not answered by then is not waited for. */
  timeoutMillis: number;
  /** Calls in flight per sender. */
  concurrency: number;
  /** A send without an answer that the carrier does not know: send again, or give up. */
  unanswered: 'retry' | 'fail';
  /** A larger file of an inbound message is not fetched. */
  inboundMediaBytesMax: number;
  /** A larger body of a webhook is answered 413; mail comes with its attachments. */
  webhookBytesMax: number;
};

export function channelConfig(shared: Config, env: NodeJS.ProcessEnv = process.env): ChannelConfig {
  const unanswered = env['UNANSWERED_SENDS'] || 'retry';
  if (unanswered !== 'retry' && unanswered !== 'fail') throw new ConfigError(`UNANSWERED_SENDS=${unanswered} is neither retry nor fail`);
  return {
    usualSettings: env['TWILIO_URL'] ? { twilio: { baseUrl: env['TWILIO_URL'] } } : {},
    simulatorUrl: `${env['SIMULATOR_URL'] || shared.publicUrl}/simulator`,
    timeoutMillis: integer(env, 'CARRIER_TIMEOUT_MILLIS', 10_000, 100, 120_000),
    concurrency: integer(env, 'SENDER_CONCURRENCY', 16, 1, 1000),
    unanswered,
    inboundMediaBytesMax: integer(env, 'INBOUND_MEDIA_BYTES_MAX', 26_214_400, 1, 1_073_741_824),
    webhookBytesMax: integer(env, 'CARRIER_WEBHOOK_BYTES_MAX', 41_943_040, 1024, 1_073_741_824),
  };
}
