/** What clients say: who they are, a new token, requests; and that they got what they were sent, which is only a sign of life. */
import { AuthenticationError, type Principal } from '@parley/event-store/access-token';
import { DomainError } from '@parley/domain/domain-error';
import { isConnectionError } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import { randomUUID } from 'node:crypto';
import type { Connections } from '../connections.js';
import { closing, statusNames, type ClientSession, type Status } from './client-session.js';
import { decodeFrame, isReply, MalformedFrame, type Frame } from './frame-codec.js';
import type { SyncReads } from './sync-reads.js';
import type { Tunnel } from './tunnel.js';
import { errorBody } from '../rest-upstream.js';
import { TunnelRefusal, tunnelRequest, type TunnelAnswer } from './tunnel-request.js';

/** With a thousand conversations the SDK asks for some thousand things at once. */
const IN_FLIGHT_MAX = 20_000;
/** What a request holds besides its frame, about; the frame as it came, and once more as it was understood. */
const REQUEST_BYTES = 1_024;
const heldFor = (frameBytes: number): number => REQUEST_BYTES + 2 * frameBytes;
const TOKEN_CHARS_MAX = 8_192;
const log = logger('client-sdk');
type Member = NonNullable<ClientSession['principal']>;

const ok: Status = { code: 200, status: 'OK' };
const refusal = ({ code, message }: AuthenticationError): Status =>
  ({ code: code === 20005 ? 403 : 401, status: code === 20104 ? 'TOKEN_EXPIRED' : 'UNAUTHORIZED', description: message, errorCode: code });

export class ClientDialogue {
  constructor(
    private readonly tunnel: Tunnel, private readonly connections: Connections<ClientSession>, private readonly reads: SyncReads,
    private readonly member: (token: string) => Promise<Principal>, private readonly makeUser: (member: Principal) => Promise<void>,
  ) {}

  received(session: ClientSession, bytes: Buffer): void {
    if (!session.open) return;
    if (!session.frames.take()) return session.dismiss({ code: 429, status: 'TOO_MANY_REQUESTS', description: 'Too many frames' }, closing.tooMany);
    if (isReply(bytes)) return;
    let frame: Frame;
    try {
      frame = decodeFrame(bytes);
    } catch (error) {
      const description = error instanceof MalformedFrame ? error.message : 'The frame cannot be read';
      return session.dismiss({ code: 406, status: 'NOT_ACCEPTABLE', description }, closing.malformed);
    }
    const { method, id } = frame.header;
    if (method === 'reply' || method === 'telemetry.v1') return;
    if (method === 'close') return session.end(1000, 'good bye');
    if (method === 'ping') return session.reply(id, ok);
    if (method === 'init') return void this.init(session, frame).catch((error: unknown) => this.broken(session, error));
    if (!session.principal) return session.dismiss({ code: 401, status: 'UNAUTHORIZED', description: 'Nothing before init' }, closing.unauthenticated);
    if (method === 'update') return void this.update(session, frame, bytes.length).catch((error: unknown) => this.broken(session, error));
    if (method === 'message') return void this.request(session, frame, bytes.length);
    session.reply(id, { code: 400, status: 'BAD_REQUEST', description: 'This method is not known here' });
  }

  private async init(session: ClientSession, { header }: Frame): Promise<void> {
    if (session.principal || session.initialising) return session.reply(header.id, { code: 400, status: 'BAD_REQUEST', description: 'init is said once' });
    session.initialising = true;
    const principal = await this.verified(session, header.id, header['token']);
    if (!principal) return session.end(closing.unauthenticated, 'no valid token');
    const { identity } = principal;
    let user = await this.reads.info(principal, { identity });
    if (!user) { // deleted since he was here last
      await this.makeUser(principal);
      user = await this.reads.info(principal, { identity });
    }
    if (!session.open) return;
    if (!user) { // made by the token when nothing stood in the way
      session.reply(header.id, { code: 503, status: 'SERVICE_UNAVAILABLE', description: 'The user could not be made, try again' });
      return session.end(closing.internal, 'try again');
    }
    session.mine = user.sid;
    session.reachable = user.reachable;
    session.token = String(header['token']);
    session.again = typeof header['continuation_token'] === 'string';
    if (!this.connections.admit(session, principal)) {
      session.reply(header.id, { code: 429, status: 'TOO_MANY_REQUESTS', description: 'Too many websockets of this account', errorCode: 51202 }, {}, { backoff_policy: { reconnect_min_ms: 5_000, reconnect_max_ms: 60_000 } });
      return session.end(closing.tooMany, 'too many websockets of this account');
    }
    const registrations = Array.isArray(header['registrations']) ? (header['registrations'] as Record<string, unknown>[]).slice(0, 16) : [];
    session.reply(header.id, ok, {
      capabilities: ['client_update'], continuation_token: randomUUID(), continuation_token_status: { reissued: true, reissue_reason: 'MISSING', reissue_message: 'Nothing depends on it' },
      init_registrations: registrations.map((each) => ({ notification_ctx_id: randomUUID(), type: each?.['type'], product: each?.['product'], message_types: each?.['message_types'] })),
    });
  }

  /** One after the other: what counts is the last. */
  private update(session: ClientSession, frame: Frame, frameBytes: number): Promise<void> {
    const held = heldFor(frameBytes);
    if (!session.hold(held)) return Promise.resolve(session.end(closing.tooMany, 'too many requests at once'));
    const update = session.updates.then(() => this.renew(session, frame)).finally(() => session.release(held));
    session.updates = update.catch(() => {}); // the caller hears of it
    return update;
  }

  private async renew(session: ClientSession, { header }: Frame): Promise<void> {
    if (!session.open) return;
    const principal = await this.verified(session, header.id, header['token']);
    if (!principal || !session.open) return;
    if (!this.connections.renew(session, principal))
      return session.reply(header.id, { code: 403, status: 'FORBIDDEN', description: 'The token is somebody else\'s', errorCode: 51232 });
    session.token = String(header['token']);
    session.reply(header.id, ok);
  }

  /** Undefined: refused, and told so. */
  private async verified(session: ClientSession, id: string, token: unknown): Promise<Member | undefined> {
    try {
      if (typeof token !== 'string' || token.length > TOKEN_CHARS_MAX) throw new AuthenticationError(20101);
      return (await this.member(token)) as Member;
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      session.reply(id, refusal(error));
      return undefined;
    }
  }

  private async request(session: ClientSession, frame: Frame, frameBytes: number): Promise<void> {
    const held = heldFor(frameBytes);
    if (session.inFlight >= IN_FLIGHT_MAX || !session.hold(held)) return session.end(closing.tooMany, 'too many requests at once');
    session.inFlight++;
    try {
      await session.turns.run(async () => {
        if (await this.answered(session, frame)) return;
        await session.repeated.run(async () => { while (!(await this.answered(session, frame))); });
      });
    } catch (error) { // an answer that cannot be written
      this.broken(session, error);
    } finally {
      session.inFlight--;
      session.release(held);
    }
  }

  /** False: what it was to be answered could not wait for the client to read. Only of reads: they are asked again. */
  private async answered(session: ClientSession, { header, payload }: Frame): Promise<boolean> {
    while (session.backlogged) await session.drained();
    if (!session.open) return true;
    const { status, body } = await this.answer(session, header, payload);
    const reply = {
      method: 'reply', id: header.id, status: ok, http_status: { code: status, status: statusNames[status] ?? 'Error' }, http_headers: { 'content-type': 'application/json' },
    };
    if (await session.sayInTurn(reply, body as object | undefined)) return true;
    if (isRead(header)) return false;
    session.say(reply, body as object | undefined); // small, and it says what was done
    return true;
  }

  private async answer(session: ClientSession, header: Frame['header'], payload: string): Promise<TunnelAnswer> {
    try {
      return await this.tunnel.answer(session, tunnelRequest(header, payload));
    } catch (error) {
      return refused(error);
    }
  }

  private broken(session: ClientSession, error: unknown): void {
    log.warn('a client could not be served, it comes back', { error });
    session.end(closing.internal, 'internal error');
  }
}

const isRead = ({ http_request: asked }: Frame['header']): boolean => (asked as { method?: unknown } | undefined)?.method === 'GET';

function refused(error: unknown): TunnelAnswer {
  if (error instanceof TunnelRefusal) return { status: error.status, body: errorBody(error.status, error.code, error.message) };
  if (!(error instanceof DomainError) && !isConnectionError(error)) log.error('a request failed', { error });
  return { status: 503, body: errorBody(503, 20503, 'Service unavailable, try again') };
}
