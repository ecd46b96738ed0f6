/// <reference types="jest" />
/**
 * A carrier by the OpenAPI document it publishes: Prism serves it on a real socket, takes only what the document allows, answers
 * by the document and checks a test's own answers too. Names of fields that the document does not know are found here, because
 * Prism overlooks them.
 */
import { getHttpOperationsFromSpec, type IHttpRequest, type PrismHttpComponents } from '@stoplight/prism-http';
import { createServer } from '@stoplight/prism-http-server';
import { validateInput, validateOutput } from '@stoplight/prism-http/dist/validator/index.js';

type Json = Record<string, any>;
type Operations = Awaited<ReturnType<typeof getHttpOperationsFromSpec>>;
type Operation = Operations[number];

const quiet = () => {};
const SILENT = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet, success: quiet, child: () => SILENT } as unknown as PrismHttpComponents['logger'];
const FORM = 'application/x-www-form-urlencoded';

export class PublishedApi {
  /** What the document does not allow, of requests and of the answers a test asked for. */
  readonly faults: string[] = [];
  /** Requests to operations of the document: `createMessage`. */
  readonly served: string[] = [];
  url = '';
  private published: Operations = [];
  /** What Prism serves: the published ones, with a test's answer in one of them. */
  private readonly operations: Operations = [];
  private readonly mock: { dynamic: boolean; code?: number } = { dynamic: false };
  private server!: ReturnType<typeof createServer>;

  constructor(private readonly document: Json) {}

  async listen(): Promise<void> {
    // A callback would be made, to nowhere.
    this.published = (await getHttpOperationsFromSpec(asPrismReads(this.document))).map(({ callbacks: _, ...operation }) => operation);
    this.server = createServer(this.operations, {
      cors: false,
      config: { isProxy: false, mock: this.mock, checkSecurity: true, validateRequest: true, validateResponse: true, errors: false, upstreamProxy: undefined },
      components: {
        logger: SILENT,
        validateInput: (call) => {
          this.served.push(call.resource.iid!);
          const [first, ...others] = unknownNames(call.resource, call.element).map((name) => ({ code: 'unknown', message: `${name} is not known`, severity: 0 }));
          return this.noting(first ? { _tag: 'Left', left: [first, ...others] } : validateInput(call));
        },
        validateOutput: (call) => this.noting(validateOutput(call)),
      },
    });
    this.url = await this.server.listen(0, '127.0.0.1');
  }

  close(): Promise<void> { return this.server.close(); }

  /** Until told otherwise: this answer of the operation. Without: what the document has for success. */
  answerWith(operationId?: string, answer?: { status: number; headers?: Record<string, string>; body?: Json }): void {
    this.faults.length = this.served.length = 0;
    if (answer) this.mock.code = answer.status;
    else delete this.mock.code;
    this.operations.splice(0, Infinity, ...this.published.map((operation): Operation => operation.iid !== operationId ? operation : {
      ...operation, responses: operation.responses.map((response) => response.code !== String(answer?.status) ? response : {
        ...response,
        headers: Object.entries(answer!.headers ?? {}).map(([name, value]) =>
          ({ id: name, name, style: 'simple', schema: { type: 'string' }, examples: [{ id: name, key: name, value }] })) as typeof response.headers,
        contents: response.contents?.map((content) => answer!.body ? { ...content, examples: [{ id: 'test', key: 'test', value: answer!.body }] } : content),
      }) as Operation['responses'],
    }));
  }

  /** Statuses the document has for an operation. */
  statusesOf(operationId: string): number[] {
    return this.published.find(({ iid }) => iid === operationId)!.responses.map(({ code }) => Number(code)).filter(Number.isInteger);
  }

  private noting<Verdict extends { _tag: 'Right' } | { _tag: 'Left'; left: { message: string }[] }>(verdict: Verdict): Verdict {
    if (verdict._tag === 'Left') this.faults.push(...verdict.left.map(({ message }) => message));
    return verdict;
  }
}

/**
 * The document so that Prism reads it as the standard means it: Prism does not look at the path of an operation's server, and takes
 * a form's array for a text where the document leaves its encoding to the default.
 */
function asPrismReads(document: Json): Json {
  const paths = Object.entries<Json>(document['paths']).map(([path, item]) => {
    const [server] = item['servers'] ?? document['servers'];
    for (const body of ['get', 'post', 'put'].flatMap((verb) => item[verb]?.requestBody?.content?.[FORM] ?? [])) {
      body.encoding = Object.fromEntries(Object.entries<Json>(body.schema.properties ?? {}).flatMap(([name, { type }]) => type === 'array' ? [[name, { style: 'form', explode: true }]] : []));
    }
    return [new URL(server.url).pathname.replace(/\/$/, '') + path, item];
  });
  return { ...document, paths: Object.fromEntries(paths) };
}

/** Names in the query and in the body that the document does not have. */
function unknownNames({ request }: Operation, { url, headers, body }: IHttpRequest): string[] {
  const inQuery = new Set(request?.query?.map(({ name }) => name));
  const type = headers?.['content-type']?.split(';')[0];
  const schema = request?.body && 'contents' in request.body ? request.body.contents?.find(({ mediaType }) => mediaType === type)?.schema : undefined;
  const given = type === FORM ? [...new URLSearchParams(String(body)).keys()] : Object.keys(body ?? {});
  return [...Object.keys(url.query ?? {}).filter((name) => !inQuery.has(name)), ...given.filter((name) => !(name in (schema?.properties ?? {})))];
}
