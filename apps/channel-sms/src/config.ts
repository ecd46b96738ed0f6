/** Settings of this channel alone, beside those every service shares. */
import { ConfigError, integer, type Config } from '@parley/runtime/config';

export type ChannelConfig = {
  twilioUrl: string;
  simulatorUrl: string;
  /** A carrier that has not answered by then is not waited for. */
  carrierTimeoutMillis: number;
  /** Calls in flight per sender. */
  senderConcurrency: number;
  /** A send without an answer that the carrier does not know: send again, or give up. */
  unanswered: 'retry' | 'fail';
  /** A larger file of an inbound message is not fetched. */
  inboundMediaBytesMax: number;
};

export function channelConfig(shared: Config, env: NodeJS.ProcessEnv = process.env): ChannelConfig {
  const unanswered = env['UNANSWERED_SENDS'] || 'retry';
  if (unanswered !== 'retry' && unanswered !== 'fail') throw new ConfigError(`UNANSWERED_SENDS=${unanswered} is neither retry nor fail`);
  return {
    twilioUrl: env['TWILIO_URL'] || 'https://api.twilio.com',
    simulatorUrl: `${env['SIMULATOR_URL'] || shared.publicUrl}/simulator`,
    carrierTimeoutMillis: integer(env, 'CARRIER_TIMEOUT_MILLIS', 10_000, 100, 120_000),
    senderConcurrency: integer(env, 'SENDER_CONCURRENCY', 16, 1, 1000),
    unanswered,
    inboundMediaBytesMax: integer(env, 'INBOUND_MEDIA_BYTES_MAX', 26_214_400, 1, 1_073_741_824),
  };
}
