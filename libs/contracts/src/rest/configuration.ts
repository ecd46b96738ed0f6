/** Parameters of the account's Configuration (API reference 1.1). */
import { z } from 'zod';
import { fault, given, sid, timer } from './parameters.js';

const MINUTE = 60_000;
const duration = (minMillis: number, tooShort: 50375 | 50376, invalid: 50379 | 50380) =>
  timer(minMillis, tooShort, invalid).transform((value) => (value === '' ? null : value)).optional();

/** Columns of the read model. An empty value clears, except the service: there always is a default one. */
export const updateConfiguration = z
  .object({
    DefaultChatServiceSid: z.string().min(1, fault(50051)).pipe(sid('IS', 50050)).optional(),
    DefaultMessagingServiceSid: z.union([z.literal('').transform(() => null), sid('MG', 50341)], fault(50341)).optional(),
    DefaultInactiveTimer: duration(MINUTE, 50375, 50379),
    DefaultClosedTimer: duration(10 * MINUTE, 50376, 50380),
  })
  .transform((p) => given({
    default_chat_service_sid: p.DefaultChatServiceSid, default_messaging_service_sid: p.DefaultMessagingServiceSid,
    default_inactive_timer: p.DefaultInactiveTimer, default_closed_timer: p.DefaultClosedTimer,
  }));
export type ConfigurationChanges = z.output<typeof updateConfiguration>;
