/** Request parameters as JSON schema: what a client may write, before it is read and turned into our types. */
import { z } from 'zod';

type Json = Record<string, unknown>;
export type ParameterSchemas = { properties: Record<string, Json>; required?: string[] };

/** What a pipe lets through at its end bounds what may go in: an enum after a change of case is an enum. */
function describeInput({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: Json }): void {
  let { def } = zodSchema._zod;
  while (def.type === 'pipe') {
    const { in: first, out } = def as unknown as { in: z.core.$ZodTypes; out: z.core.$ZodTypes };
    def = out._zod.def.type === 'transform' ? first._zod.def : out._zod.def;
  }
  if (def.type === 'enum') jsonSchema['enum'] = Object.values((def as unknown as { entries: Record<string, string> }).entries);
}

export function parameterSchema(schema: z.ZodType | undefined): ParameterSchemas {
  if (!schema) return { properties: {} };
  const { properties = {}, required } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: describeInput }) as Partial<ParameterSchemas>;
  return { properties, ...(required?.length && { required }) };
}
