/** The OpenAPI document as one page: plain HTML, no script, each operation unfolds. */
type Schema = {
  type?: string | string[]; enum?: unknown[]; const?: unknown; pattern?: string; format?: string; description?: string; minimum?: number; maxLength?: number;
  anyOf?: Schema[]; items?: Schema; properties?: Record<string, Schema>; required?: string[]; $ref?: string;
};
type Parameter = { name: string; in: string; required?: boolean; schema: Schema };
type Content = Record<string, { schema: Schema }>;
type Operation = {
  operationId?: string; summary?: string; tags?: string[]; parameters?: Parameter[]; requestBody?: { content: Content };
  responses: Record<string, { description: string; content?: Content }>;
};
export type OpenApi = {
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const text = (value: unknown): string => String(value).replaceAll(/[&<>"']/g, (character) => escapes[character]!);
const anchor = (name: string): string => name.replaceAll(/\W+/g, '-');

function kindOf(schema: Schema): string {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1)!;
    return `<a href="#schema-${anchor(name)}">${text(name)}</a>`;
  }
  if (schema.anyOf) return schema.anyOf.map(kindOf).join(' or ');
  if (schema.enum) return schema.enum.map((value) => `<code>${text(value)}</code>`).join(' ');
  if (schema.const !== undefined) return `<code>${text(JSON.stringify(schema.const))}</code>`;
  if (schema.items) return `list of ${kindOf(schema.items)}`;
  const type = [schema.type ?? 'any'].flat().map(text).join(' or ');
  const bounds = [schema.format, schema.pattern && `<code>${text(schema.pattern)}</code>`, schema.maxLength !== undefined && `at most ${schema.maxLength} characters`];
  return [type, ...bounds.filter(Boolean)].join(', ');
}

function fieldRows(schema: Schema, required = schema.required ?? [], above = ''): string {
  return Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const optional = required.includes(name) ? '' : ' <small>optional</small>';
    const nested = field.properties ? fieldRows(field, field.required, `${above}${name}.`) : '';
    const kind = field.properties ? 'object' : kindOf(field);
    return `<tr><td><code>${text(above + name)}</code>${optional}</td><td>${kind}${field.description ? `. ${text(field.description)}` : ''}</td></tr>${nested}`;
  }).join('');
}

const parameterRows = (parameters: Parameter[]): string => parameters.map(({ name, in: where, required, schema }) =>
  `<tr><td><code>${text(name)}</code> <small>${where}${required ? '' : ', optional'}</small></td><td>${kindOf(schema)}${schema.description ? `. ${text(schema.description)}` : ''}</td></tr>`).join('');

function operationDetails(path: string, verb: string, operation: Operation): string {
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const answers = Object.entries(operation.responses).map(([status, { description, content }]) => {
    const schema = content && Object.values(content)[0]?.schema;
    return `<tr><td>${text(status)}</td><td>${schema ? kindOf(schema) : text(description)}</td></tr>`;
  }).join('');
  const rows = parameterRows(operation.parameters ?? []) + (body ? fieldRows(body) : '');
  return `<details id="${anchor(operation.operationId ?? path)}"><summary><b class="${verb}">${verb.toUpperCase()}</b> <code>${text(path)}</code> <small>${
    text(operation.operationId ?? operation.summary ?? '')}</small></summary>${operation.summary ? `<p>${text(operation.summary)}</p>` : ''}${
    rows ? `<h4>Parameters</h4><table>${rows}</table>` : ''}<h4>Answers</h4><table>${answers}</table></details>`;
}

const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
nav{columns:3;font-size:.9rem}table{border-collapse:collapse;width:100%;font-size:.85rem}td{border-top:1px solid #ddd;padding:.25rem .5rem;vertical-align:top;overflow-wrap:anywhere}
td:first-child{width:35%}details{border:1px solid #ddd;border-radius:6px;margin:.4rem 0;padding:.4rem .8rem}summary{cursor:pointer}small{color:#57606a}
.get{color:#0969da}.post{color:#1a7f37}.delete,.put{color:#cf222e}h4{margin:.8rem 0 .2rem}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}td,details{border-color:#30363d}a{color:#58a6ff}}`;

export function referencePage({ info, paths, components }: OpenApi): string {
  const byTag = new Map<string, string[]>();
  for (const [path, item] of Object.entries(paths))
    for (const [verb, operation] of Object.entries(item)) {
      const tag = operation.tags?.[0] ?? 'Besides';
      byTag.set(tag, [...(byTag.get(tag) ?? []), operationDetails(path, verb, operation)]);
    }
  const contents = [...byTag.keys()].map((tag) => `<a href="#${anchor(tag)}">${text(tag)}</a>`).join('<br>');
  const sections = [...byTag].map(([tag, operations]) => `<h2 id="${anchor(tag)}">${text(tag)}</h2>${operations.join('')}`).join('');
  const schemas = Object.entries(components.schemas).map(([name, schema]) =>
    `<details id="schema-${anchor(name)}"><summary><code>${text(name)}</code></summary><table>${fieldRows(schema)}</table></details>`).join('');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(info.title)} API</title><style>${style}</style>
<h1>${text(info.title)} API <small>${text(info.version)}</small></h1><p>${text(info.description)} The same as <a href="/openapi.json">OpenAPI 3.1</a>.
HTTP Basic with account SID and auth token, or API key SID and secret; bodies are forms.</p><nav>${contents}</nav>${sections}<h2>Schemas</h2>${schemas}</html>
`;
}
