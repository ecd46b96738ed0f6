/** Commands on what leaves the house: senders at real carriers, and deliveries that were given up. */
import { listDeadLetters, replayDeadLetters } from '@parley/delivery/dead-letters';
import { listSenders, removeSender, saveSender } from '@parley/delivery/senders';
import { isSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import type { SecretBox } from '@parley/event-store/secret-box';
import { ConfigError } from '@parley/runtime/config';
import { CommandError, sidArgument, UsageError } from './command-group.js';

export const deliveryHelp = `
  sender list <account>   its own senders; without any on a channel, every proxy address belongs to the simulator
  sender add <account> <number or whatsapp:address> <Twilio account SID>
                          a sender at Twilio; its auth token is taken from TWILIO_AUTH_TOKEN
  sender remove <account> <address>
  dead-letters [account]  deliveries that were given up for reasons that may pass, oldest first
  replay <delivery>...    try those again`.slice(1);

type Parts = { pool: Pool; box: SecretBox };

/** The lines to print. Throws UsageError when the command is not understood. */
export async function deliveryCommand(args: string[], { pool, box }: Parts, env: NodeJS.ProcessEnv = process.env): Promise<object[]> {
  const [command, ...rest] = args;
  if (command === 'dead-letters') {
    return listDeadLetters(pool, { limit: 1000, ...(rest[0] !== undefined && { account: sidArgument(rest[0], 'AC', 'account SID') }) });
  }
  if (command === 'replay' && rest.length > 0) return [{ queued: await replayDeadLetters(pool, rest.map((sid) => sidArgument(sid, 'DY', 'delivery SID'))) }];
  const [action, account = '', address = '', accountSid = ''] = rest;
  if (command !== 'sender' || !isSid(account, 'AC')) throw new UsageError(`not understood: ${args.join(' ')}; see parley help`);
  if (action === 'list') return listSenders(pool, account);
  if (action === 'remove') return [{ removed: await removeSender(pool, account, address) }];
  if (action !== 'add' || !isSid(accountSid, 'AC')) throw new UsageError('usage: parley sender add <account> <address> <Twilio account SID>');
  const authToken = env['TWILIO_AUTH_TOKEN'];
  if (!authToken) throw new ConfigError('TWILIO_AUTH_TOKEN is not set: give the auth token of the Twilio account there');
  await saveSender(pool, box, { account, address, carrier: 'twilio', accountSid, authToken }).catch((error: unknown) => {
    const { code, message } = error as { code?: string; message?: string };
    if (code === '23503') throw new CommandError(`there is no account ${account}`);
    throw error instanceof RangeError ? new UsageError(String(message)) : error;
  });
  return listSenders(pool, account);
}
