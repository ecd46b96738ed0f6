/** For the tables in specs: the error code a form gives, or undefined when it is accepted. */
import type { z } from 'zod';
import { ApiError } from '../error-catalogue.js';
import { parameters, type Form } from './parameters.js';

export function codeOf(schema: z.ZodType, form: Form): number | undefined {
  try {
    parameters(schema, form);
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
}
