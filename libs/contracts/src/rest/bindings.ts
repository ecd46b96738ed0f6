/** Filters of push Bindings (API reference 1.14); both may be repeated. */
import { z } from 'zod';
import { fault, oneOf } from './parameters.js';

export const listBindings = z.object({
  BindingType: z.array(oneOf(['apn', 'gcm', 'fcm', 'webpush'], 50209)).optional(),
  Identity: z.array(z.string().min(1, fault(50204)).max(256, fault(50207))).optional(),
});
export type ListBindings = z.output<typeof listBindings>;

/** Lists here; elsewhere `Identity` is a single value. */
export const bindingListParameters: ReadonlySet<string> = new Set(['BindingType', 'Identity']);
