/** Parameters of the Role resource (API reference 1.12): only its permissions can be changed later. */
import { permissions, type Permission } from '@parley/domain/roles';
import { z } from 'zod';
import { fault, oneOf, text } from './parameters.js';

const known: ReadonlySet<string> = new Set(permissions);
/** One permission each time the parameter is given; an update replaces them all. */
const granted = z.array(z.string().refine((name): name is Permission => known.has(name), fault(50104)), fault(50104))
  .transform((names) => [...new Set(names)]);

export const createRole = z
  .object({
    FriendlyName: text(64, 50003).min(1, fault(50000)).optional(),
    Type: oneOf(['conversation', 'service'], 50105).optional(),
    Permission: granted,
  })
  .superRefine(({ FriendlyName, Type }, context) => {
    if (FriendlyName === undefined) context.addIssue({ code: 'custom', message: '50000' });
    else if (Type === undefined) context.addIssue({ code: 'custom', message: '50105' });
  })
  .transform((p) => ({ friendly_name: p.FriendlyName!, type: p.Type!, permissions: p.Permission }));
export type CreateRole = z.output<typeof createRole>;

export const updateRole = z.object({ Permission: granted }).transform((p) => ({ permissions: p.Permission }));
export type UpdateRole = z.output<typeof updateRole>;
