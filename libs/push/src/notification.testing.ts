/** A notification with everything in it, for the tables. */
import type { PushNotification } from './push-provider.js';

export const notification = (changes: Partial<PushNotification> = {}): PushNotification => ({
  id: '0b9d4c1e-6a58-4a3e-9c6e-0123456789ab', kind: 'new_message', text: 'Tea:Alice: hello', sound: 'ding',
  data: { conversation_sid: `CH${'1'.repeat(32)}`, conversation_title: 'Tea', author: 'alice', message_sid: `IM${'2'.repeat(32)}`, message_index: 7 },
  expiresAt: Date.now() + 3_600_000, ...changes,
});
