/** Our zod schemas as JSON schema: what a client may write, before it is read and turned into our types; and what it gets. */
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

const plain = ({ $schema: _, ...rest }: Json): Json => rest;

/** A JSON body. */
export const bodySchema = (schema: z.ZodType): Json =>
  plain(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: describeInput }) as Json);

export const answerSchema = (schema: z.ZodType): Json => plain(z.toJSONSchema(schema, {
  io: 'output', unrepresentable: 'any',
  override: ({ jsonSchema }) => { if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum; },
}) as Json);

/** Every operation may refuse, always in the same form. */
export const refusal: Json = { description: 'Refused: the code tells why.', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } };
