/** Parameters of accounts and API keys. Refusals of keys have codes of their own (70001, 70002), as the original's IAM has. */
import { z } from 'zod';
import { clearable, fault, given, oneOf, sid, text } from './parameters.js';
import { keyPolicy, unknownPermission } from './key-permissions.js';
import { ApiError } from '../error-catalogue.js';

const statuses = ['active', 'suspended', 'closed'] as const;

export const createAccount = z.object({ FriendlyName: text(64, 20001).min(1).optional() }).transform((p) => ({ friendlyName: p.FriendlyName }));
export const updateAccount = z
  .object({ FriendlyName: text(64, 20001).min(1).optional(), Status: oneOf(statuses, 20001).optional() })
  .transform((p) => given({ friendlyName: p.FriendlyName, status: p.Status }));
export type UpdateAccount = z.output<typeof updateAccount>;
export const listAccounts = z.object({ FriendlyName: z.string().optional(), Status: oneOf(statuses, 20001).optional() });
export type ListAccounts = z.output<typeof listAccounts>;

const friendlyName = clearable(64, 70001).optional();
/** Of 2010-04-01: standard keys only, `KeyType` and `Policy` are no parameters there. */
export const nameOfKey = z.object({ FriendlyName: friendlyName }).transform((p) => given({ friendlyName: p.FriendlyName }));
export type NameOfKey = z.output<typeof nameOfKey>;

const policy = z.string().transform((value, context) => {
  const read = readPolicy(value);
  if (typeof read !== 'string') return read;
  // Told with the entry: no issue of zod can carry it.
  if (read.startsWith('/')) throw new ApiError(70002, `assertion '${read}'`);
  context.addIssue({ code: 'custom', message: '70001' });
  return z.NEVER;
}).optional();

/** A policy; else what is wrong: an entry that is no permission, or the whole. */
function readPolicy(value: string): z.output<typeof keyPolicy> | string {
  try {
    const parsed = keyPolicy.safeParse(JSON.parse(value));
    if (!parsed.success) return 'shape';
    const unknown = unknownPermission(parsed.data.allow);
    return unknown === undefined ? parsed.data : `/${unknown.replace(/^\//, '')}`;
  } catch {
    return 'shape';
  }
}

export const createApiKey = z
  .object({ AccountSid: sid('AC', 20001), FriendlyName: friendlyName, KeyType: oneOf(['standard', 'restricted'], 70001).default('standard'), Policy: policy })
  // A restricted key without a policy could do nothing, a standard one with a policy more than it says.
  .refine((p) => (p.KeyType === 'restricted') === (p.Policy !== undefined), fault(70001))
  .transform((p) => ({ account: p.AccountSid, friendlyName: p.FriendlyName ?? null, ...(p.Policy && { policy: p.Policy }) }));
export type CreateApiKey = z.output<typeof createApiKey>;
export const updateApiKey = z.object({ FriendlyName: friendlyName, Policy: policy }).transform((p) => given({ friendlyName: p.FriendlyName, policy: p.Policy }));
export type UpdateApiKey = z.output<typeof updateApiKey>;
export const listApiKeys = z.object({ AccountSid: sid('AC', 20001) });
