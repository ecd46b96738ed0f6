/** `parley push …`: keys for Web Push, and what became of notifications (docs/push.md). */
import { newSid } from '@parley/domain/sid';
import { vapidPublicKey, newVapidKeys } from '@parley/push/vapid';
import { listPushRecords } from '@parley/push/push-records';
import { mustFindAccount } from './account-commands.js';
import { UsageError, type Group } from './command-group.js';
import type { Databases } from './new-account.js';
import { withCommands } from './service-commands.js';

const LISTED_MAX = 1000;

export const pushGroup: Group<Databases> = {
  name: 'push', about: 'Push notifications',
  actions: {
    vapid: {
      usage: 'vapid <account> <mailto:address or https: URL> [name]', args: [2, 3],
      about: 'makes a credential for Web Push with keys of its own; browsers subscribe with its publicKey, their push services may write to the address',
      async run(parts, [named, subject = '', name]) {
        if (!/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/.test(subject)) throw new UsageError(`${subject} is neither mailto:somebody@example.com nor an https: URL`);
        const { sid: account } = await mustFindAccount(parts, named);
        const { privateKey } = newVapidKeys();
        const [sid, at, publicKey] = [newSid('CR'), new Date().toISOString(), vapidPublicKey(privateKey)];
        const row = {
          sid, friendly_name: name ?? null, type: 'webpush', sandbox: 'False', private_key: parts.box.seal(privateKey).toString('base64'), subject, public_key: publicKey,
          created_at: at, updated_at: at,
        };
        await withCommands(parts, (commands) => commands.create({ account }, 'Credential', row));
        return { accountSid: account, credentialSid: sid, publicKey, subject };
      },
    },
    list: {
      usage: 'list <account>', args: [1, 1], about: 'notifications that failed or wait, and those of services that log theirs; newest first',
      async run(parts, [named]) {
        const { sid: account } = await mustFindAccount(parts, named);
        return listPushRecords(parts.pool, { account, limit: LISTED_MAX });
      },
    },
  },
};
