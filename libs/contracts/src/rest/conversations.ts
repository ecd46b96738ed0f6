/** Parameters of the Conversation resource (API reference 1.4). */
import { isSid } from '@parley/domain/sid';
import { z } from 'zod';
import type { CreateConversation, UpdateConversation } from '../commands.js';
import { clearable, dateTime, fault, given, jsonText, oneOf, parsed, parseDateTime, sid, timer } from './parameters.js';

const MINUTE = 60_000;
const shared = {
  FriendlyName: clearable(256, 50003).optional(),
  UniqueName: clearable(256, 50004).refine((name) => name === null || !isSid(name, 'CH'), fault(50390)).optional(),
  DateCreated: dateTime(50308).optional(),
  DateUpdated: dateTime(50309).optional(),
  MessagingServiceSid: z.union([z.literal('').transform(() => null), sid('MG', 50341)], fault(50341)).optional(),
  Attributes: jsonText(16_384).optional(),
  'Timers.Inactive': timer(MINUTE, 50375, 50379).optional(),
  'Timers.Closed': timer(10 * MINUTE, 50376, 50380).optional(),
  'Bindings.Email.Address': z.string().max(256).optional(),
  'Bindings.Email.Name': z.string().max(256).optional(),
};
type Shared = z.output<z.ZodObject<typeof shared>>;

const timersOf = (p: Shared) => {
  const timers = given({ inactive: p['Timers.Inactive'], closed: p['Timers.Closed'] });
  return Object.keys(timers).length > 0 ? timers : undefined;
};
const emailOf = (p: Shared) => {
  const email = given({ address: p['Bindings.Email.Address'], name: p['Bindings.Email.Name'] });
  return Object.keys(email).length > 0 ? email : undefined;
};
export const conversationOf = (p: Shared & { State?: 'active' | 'inactive' | 'closed' | undefined }) => ({
  friendlyName: p.FriendlyName, uniqueName: p.UniqueName, attributes: p.Attributes, timers: timersOf(p), email: emailOf(p),
  messagingServiceSid: p.MessagingServiceSid, createdAt: p.DateCreated, updatedAt: p.DateUpdated, state: p.State,
});

const notEmpty = z.string().min(1, fault(50374));

/** `initializing` is the server's own state: nobody can ask for it. */
export const conversationFields = { ...shared, State: notEmpty.pipe(oneOf(['active', 'inactive', 'closed'], 50378)).optional() };

/** `State=closed` is refused by the conversation itself (50384). */
export const createConversation = z.object(conversationFields)
  .transform((p): Omit<CreateConversation, 'chatServiceSid'> => given(conversationOf(p)));

export const updateConversation = z.object(conversationFields).transform((p): UpdateConversation => given(conversationOf(p)));

const calendarDay = /^\d{4}-\d\d-\d\d$/;
/** From that moment, or from the beginning of that day. */
const startDate = (value: string) => parseDateTime(calendarDay.test(value) ? `${value}T00:00:00Z` : value);
/** Up to and with that second, or to the end of that day: answers show whole seconds, so the filter means whole ones. */
const endDate = (value: string) => {
  const end = parseDateTime(calendarDay.test(value) ? `${value}T23:59:59Z` : value);
  return end && `${end.slice(0, 19)}.999Z`;
};

const limit = (given: string, at: string | undefined) => (at === undefined ? undefined : { given, at });

export const listConversations = z
  .object({
    StartDate: parsed((value) => limit(value, startDate(value)), 20001).optional(),
    EndDate: parsed((value) => limit(value, endDate(value)), 20001).optional(),
    State: oneOf(['initializing', 'inactive', 'active', 'closed'], 50378).optional(),
  })
  .refine(({ StartDate, EndDate }) => !StartDate || !EndDate || StartDate.at <= EndDate.at, fault(50396));
export type ListConversations = z.output<typeof listConversations>;
