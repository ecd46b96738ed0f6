/** `parley queues …`: what waits to leave the house, delivery by delivery, and what was given up. */
import { listDeadLetters, replayDeadLetters } from '@parley/delivery/dead-letters';
import { findDelivery, listDeliveries } from '@parley/delivery/delivery-record';
import { queueStates } from '@parley/delivery/queues';
import type { MessageSid } from '@parley/domain/sid';
import { mustFindAccount } from './account-commands.js';
import { mustBe, one, sidArgument, UsageError, type Group } from './command-group.js';
import type { Databases } from './new-account.js';

const text = { type: 'string' } as const;

export const queuesGroup: Group<Databases> = {
  name: 'queues', about: 'What waits to leave the house, and what was given up for reasons that may pass',
  actions: {
    list: { usage: 'list <account>', args: [1, 1], about: 'depth, and age of the oldest, by channel and sender', run: async (parts, [sid]) => queueStates(parts.pool, (await mustFindAccount(parts, sid)).sid) },
    deliveries: {
      usage: 'deliveries <account> [--message=IM…] [--sender=…]', args: [1, 1], about: 'of one message, or what waits, oldest first: where each is, until when it waits, every attempt',
      options: { message: text, sender: text },
      async run({ pool, ...parts }, [sid], options) {
        const [message, sender] = [one(options, 'message'), one(options, 'sender')];
        if (message !== undefined && sender !== undefined) throw new UsageError('--message or --sender, not both');
        const asked = message === undefined ? { sender } : { message: sidArgument(message, 'IM', 'message SID') as MessageSid };
        return listDeliveries(pool, (await mustFindAccount({ pool, ...parts }, sid)).sid, asked);
      },
    },
    delivery: {
      usage: 'delivery <account> <delivery>', args: [2, 2], about: 'one, by the SID of its receipt',
      run: async (parts, [sid, named]) =>
        mustBe(await findDelivery(parts.pool, (await mustFindAccount(parts, sid)).sid, sidArgument(named, 'DY', 'delivery SID')), 'delivery'),
    },
    'dead-letters': { usage: 'dead-letters <account>', args: [1, 1], about: 'oldest first', run: async (parts, [sid]) => listDeadLetters(parts.pool, { account: (await mustFindAccount(parts, sid)).sid, limit: 1000 }) },
    replay: {
      usage: 'replay <delivery>...', args: [1, 1000], about: 'try those again',
      run: async ({ pool }, deliveries) => ({ queued: await replayDeadLetters(pool, deliveries.map((each) => sidArgument(each, 'DY', 'delivery SID'))) }),
    },
  },
};
