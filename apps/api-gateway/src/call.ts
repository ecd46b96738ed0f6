/** A request as the controllers see it: who asks, on which service, and the form and query it came with. */
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Caller } from '@parley/contracts/commands';
import { paging } from '@parley/contracts/rest/paging';
import { parameters } from '@parley/contracts/rest/parameters';
import type { Account, ApiKey } from '@parley/event-store/accounts';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { decodeForm } from './form.js';

/** Who came with an access token: a user of that service, with the permissions of his roles. */
export type Member = {
  readonly identity: string;
  readonly service: string;
  /** The role the token asks for, should he be new. */
  readonly roleSid?: string;
  /** What the token says his devices are pushed to with. */
  readonly pushCredentialSid?: string;
};
export type Call = {
  readonly account: Account;
  /** The API key it came with; undefined: the auth token. */
  readonly key: ApiKey | undefined;
  /** undefined: the account itself, which may do everything. */
  readonly member: Member | undefined;
  readonly caller: Caller;
  /** The service the path names, or the account's default one. */
  readonly service: string;
  /** Of the service path family: its resources carry `chat_service_sid`, its URLs the service. */
  readonly ofService: boolean;
  /** What `url` and `links` begin with: `https://host/v1`, or `https://host/v1/Services/IS…`. */
  readonly base: string;
};
export type ApiRequest = FastifyRequest & { call: Call };

const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<ApiRequest>();

/** The authenticated call (authentication.ts made it). */
export const TheCall = createParamDecorator((_: unknown, context: ExecutionContext) => requestOf(context).call);

// One decorator per schema: given as its data, Nest would take a schema, which has a `transform`, for a pipe.
const parsing = (schema: z.ZodType, source: (request: ApiRequest) => unknown, lists?: ReadonlySet<string>) =>
  createParamDecorator((_: unknown, context: ExecutionContext) => parameters(schema, decodeForm(source(requestOf(context)), lists)))();

/** The form body, validated. */
export const Form = (schema: z.ZodType): ParameterDecorator => parsing(schema, ({ body }) => body);

/** As it came, still encoded. */
export const queryOf = ({ url }: FastifyRequest): string => {
  const mark = url.indexOf('?');
  return mark < 0 ? '' : url.slice(mark + 1);
};

/** A list's filters, validated; `lists` are the ones that may be repeated. */
export const Filters = (schema: z.ZodType, lists?: ReadonlySet<string>): ParameterDecorator => parsing(schema, queryOf, lists);

const pagings = { 5: paging(5), 50: paging(50), 100: paging(100) };
/** `PageSize`, `Page` and `PageToken`; the number is the resource's largest page. */
export const PagingOf = (pageSizeMax: 5 | 50 | 100): ParameterDecorator => parsing(pagings[pageSizeMax], queryOf);

/** Both path families of a resource: on the account's default service, and on a named one. */
export const families = (path: string): string[] => [`v1/${path}`, `v1/Services/:ChatServiceSid/${path}`];
