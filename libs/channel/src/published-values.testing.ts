/** Values out of forms and queries, which know only text, as a published schema means them; what does not fit stays text. */
type Json = Record<string, any>;

export function valueAs(schema: Json, texts: readonly string[]): unknown {
  if (schema['type'] === 'array') return texts;
  // A field that is given twice where one is wanted must not pass.
  if (texts.length !== 1) return texts;
  const [text] = texts as [string];
  if (schema['type'] === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return /^(integer|number)$/.test(schema['type']) && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** The body as its schema describes it; undefined where it cannot be read. */
export function bodyAs(type: string, text: string, schema: Json, resolve: (schema: Json) => Json): unknown {
  if (type === 'application/x-www-form-urlencoded') {
    const form = new URLSearchParams(text);
    return Object.fromEntries([...new Set(form.keys())].map((name) => [name, valueAs(resolve(schema['properties']?.[name] ?? {}), form.getAll(name))]));
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
