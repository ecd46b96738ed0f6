/**
 * Starts a service: Nest on Fastify, health and metrics, a clean end. Form bodies arrive as the raw text they were sent as
 * (`request.body` is a string): signatures are over what was sent, and each API parses forms by its own rules.
 */
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiError } from '@parley/contracts/error-catalogue';
import { logger } from '@parley/telemetry/logger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Server } from 'node:http';
import { metrics } from '@parley/telemetry/metrics';
import { POOL } from './parts.js';
import type { Pool } from '@parley/event-store/database';
import { ConfigError } from './config.js';
import { refuseBytes, refuseExpectations } from './no-request.js';
import 'reflect-metadata';

/** Bytes of a request's body at most; beyond it 413. */
export const BODY_BYTES_MAX = 1_048_576;
const SHUTDOWN_MILLIS = 9_000;
/** Who sends half a head of a request is closed with 408 after this long, and a quarter of it. */
const HEADERS_MILLIS = 10_000;
/** To be accepted, as far as the system allows (net.core.somaxconn): one that finds no room comes again after 1, 3, 7, 15 s only (RFC 6298). */
const CONNECTIONS_WAITING_MAX = 16_384;
const log = logger('runtime');

export type BootstrapOptions = {
  name: string;
  port: number;
  host: string;
  /** Registers hooks and routes on Fastify before Nest's own. */
  configure?(fastify: Fastify, app: NestFastifyApplication): void | Promise<void>;
  /** After listening, e.g. to attach a websocket server or serve commands. */
  started?(app: NestFastifyApplication): void | Promise<void>;
};
export type Fastify = FastifyInstance;

/** Resolves once it listens; SIGTERM and SIGINT end it in order: no new requests, then services, then connections. */
export async function bootstrap(module: Type | DynamicModule, options: BootstrapOptions): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    http: { headersTimeout: HEADERS_MILLIS, connectionsCheckingInterval: HEADERS_MILLIS / 4 },
    bodyLimit: BODY_BYTES_MAX, trustProxy: false, forceCloseConnections: 'idle', routerOptions: { maxParamLength: 300 }, clientErrorHandler: refuseBytes,
    // A path with a broken escape is refused before any route, hook or filter sees it.
    frameworkErrors: (_error: Error, _request: FastifyRequest, reply: FastifyReply) => 
      void reply.code(400).type('application/json').send(JSON.stringify(new ApiError(20001, 'path'))),
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  fastify.removeContentTypeParser('application/x-www-form-urlencoded');
  fastify.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: ['error', 'warn'], abortOnError: false, bodyParser: false,
  });
  await options.configure?.(fastify, app);
  const state = { stopping: false };
  health(fastify, app, options.name, state);
  surviveResets(app.getHttpServer() as Server);
  refuseExpectations(app.getHttpServer() as Server);
  await app.listen({ port: options.port, host: options.host, backlog: CONNECTIONS_WAITING_MAX });
  await options.started?.(app);
  endOnSignals(app, options.name, state);
  log.info('ready', { service: options.name, port: options.port });
  return app;
}

/** For `main.ts`: a start that fails says why in one line and exits with 1. */
export async function run(name: string, start: () => Promise<unknown>): Promise<void> {
  process.on('unhandledRejection', (error) => log.error('unhandled rejection', { service: name, error }));
  try {
    await start();
  } catch (error) {
    const advice = error instanceof ConfigError ? error.message : adviceFor(error);
    if (advice) process.stderr.write(`${name}: ${advice}\n`);
    else log.error('start failed', { service: name, error });
    process.exit(1);
  }
}

/** One line for what a person can mend without reading code. */
function adviceFor(error: unknown): string | undefined {
  const { code, port, address } = error as { code?: string; port?: number; address?: string };
  if (code === 'EADDRINUSE') return `port ${port} is taken: stop what listens there, or set PORT to another one (0 = any free)`;
  if (code === 'EACCES' && port !== undefined) return `may not listen on port ${port}: set PORT to one above 1023`;
  if (code === 'ECONNREFUSED') return `nothing answers at ${address ?? '?'}:${port ?? '?'}: are DATABASE_URL and NATS_URL right, and do the servers run?`;
  return undefined;
}

/** At an upgrade Node takes its own error listener off the socket, and a reset before somebody else's is on ends the process. */
function surviveResets(server: Server): void {
  server.on('connection', (socket) => socket.on('error', () => socket.destroy()));
}

/** `stopping`: nobody new is to be sent here. */
type State = { stopping: boolean };

function health(fastify: Fastify, app: NestFastifyApplication, name: string, state: State): void {
  fastify.get('/health', async (_request, reply) => {
    if (state.stopping) return reply.code(503).send({ status: 'stopping', service: name });
    const pool = app.get<Pool>(POOL, { strict: false });
    try {
      await pool.query('select 1');
      return reply.send({ status: 'ok', service: name });
    } catch {
      return reply.code(503).send({ status: 'database unavailable', service: name });
    }
  });
  fastify.get('/metrics', (_request, reply) => reply.type('text/plain; version=0.0.4').send(metrics.expose()));
}

function endOnSignals(app: NestFastifyApplication, name: string, state: State): void {
  const end = async (signal: string) => {
    if (state.stopping) return;
    state.stopping = true;
    log.info('stopping', { service: name, signal });
    setTimeout(() => process.exit(1), SHUTDOWN_MILLIS).unref();
    await app.close().catch((error: unknown) => log.error('stop failed', { service: name, error }));
    process.exit(0);
  };
  process.on('SIGTERM', () => void end('SIGTERM'));
  process.on('SIGINT', () => void end('SIGINT'));
}
