/**
 * The REST API inside one websocket (docs/websocket.md): each request is passed on with the socket's credentials and answered by
 * one `response`. Changes of the same conversation are made in the order they were asked for, everything else at once.
 */
import type { FrameOf } from './client-frames.js';
import { FairRoom } from './fair-room.js';
import { publicRoute } from './public-routes.js';
import { bodyFor } from './request-body.js';
import { errorBody, type RestAnswer, type RestCall, type RestUpstream } from './rest-upstream.js';
import { closing, type Session } from './session.js';

/** Asked and not answered yet, per socket. */
const IN_FLIGHT_MAX = 16;
/** What a socket may hold unread before the next answer waits for it; how long. */
const BACKLOG_BYTES = 262_144;
const READ_MILLIS = 30_000;
const ANSWER_BYTES_MAX = 1_048_576;
/** Answers that wait until their clients have read what they were told before, shared by accounts; in characters. */
const unread = new FairRoom(67_108_864, 2 * ANSWER_BYTES_MAX);

type Id = string | number | undefined;
const refusal = (status: number, code: number, message: string): RestAnswer => ({ status, body: errorBody(status, code, message), chars: 0 });

export class Requests {
  /** The last change of each conversation. */
  private readonly lanes = new Map<string, Promise<unknown>>();
  private speaking: Promise<void> = Promise.resolve();
  /** Answers that wait until it was read what came before. */
  private unsaid = 0;

  constructor(private readonly session: Session, private readonly rest: Pick<RestUpstream, 'call'>) {}

  async request(frame: FrameOf<'request'>): Promise<void> {
    const { id } = frame;
    await this.answered(() => this.ask(frame), ({ status, body, retryAfter }) =>
      this.session.say({ type: 'response', id, status, body: body ?? null, ...(retryAfter !== undefined && { retry_after: retryAfter }) }));
  }

  /** How far the member has read, as `POST …/Users/{identity}/Conversations/{CH}` sets it. */
  async read({ id, conversation, index }: FrameOf<'read'>): Promise<void> {
    const { identity, service } = this.session.principal!;
    if (identity === undefined) return this.session.refuse(id, 20001, 'Only a member reads: name an identity');
    const path = `/v1/Services/${service}/Users/${encodeURIComponent(identity)}/Conversations/${conversation}`;
    const body = { type: 'application/x-www-form-urlencoded', text: `LastReadMessageIndex=${index}` };
    await this.answered(() => this.pass({ method: 'POST', path, body }), (answer) => this.sayRead(id, conversation, answer));
  }

  private sayRead(id: Id, conversation: string, { status, body }: RestAnswer): void {
    if (status >= 300) return this.session.refuse(id, body?.code ?? 20500, body?.message ?? 'Internal Server Error', { conversation });
    this.session.say({ type: 'read', id, conversation, index: body.last_read_message_index, unread: body.unread_messages_count });
  }

  private async ask({ method, path, body, idempotency_key: key, webhook_enabled: hooks }: FrameOf<'request'>): Promise<RestAnswer> {
    const route = publicRoute(method, path);
    if (route === undefined) return refusal(404, 20404, 'The requested resource was not found');
    if (route === 'method') return refusal(405, 20004, 'Method not allowed');
    if (route.body === 'none' && body && Object.keys(body).length > 0) return refusal(400, 20001, 'This request has no body: parameters of a list are in the path\'s query');
    let text: RestCall['body'];
    try {
      text = bodyFor(route, body);
    } catch {
      return refusal(400, 20001, 'The body is nested too deep');
    }
    return this.pass({ method, path, body: text, key: key ?? undefined, ...(hooks && { headers: { 'X-Twilio-Webhook-Enabled': 'true' } }) });
  }

  private pass(call: Omit<RestCall, 'account' | 'credentials'>): Promise<RestAnswer> {
    const { session } = this;
    const whole = { ...call, account: session.principal!.account, credentials: session.credentials, answerBytesMax: ANSWER_BYTES_MAX };
    return call.method === 'GET' ? this.rest.call(whole) : this.inLane(laneOf(call.path), whole);
  }

  /** After what was asked for before; not at all once the client is gone: it asks again. */
  private inLane(lane: string, call: RestCall): Promise<RestAnswer> {
    const before = this.lanes.get(lane);
    const answer = this.rest.call(before === undefined ? call : { ...call, after: { turn: before, wanted: () => this.session.open } });
    // Refused for want of room, it is answered at once: who comes next waits for those before it all the same.
    const turn = before === undefined ? answer : Promise.all([before, answer]);
    this.lanes.set(lane, turn);
    void turn.finally(() => {
      if (this.lanes.get(lane) === turn) this.lanes.delete(lane);
    });
    return answer;
  }

  /** One answer after the other, and none while the client has not read what it was told before. */
  private async answered(ask: () => Promise<RestAnswer>, say: (answer: RestAnswer) => void): Promise<void> {
    const { session } = this;
    if (session.inFlight >= IN_FLIGHT_MAX) return say({ ...refusal(429, 20429, `More than ${IN_FLIGHT_MAX} requests at once`), retryAfter: 1 });
    session.inFlight += 1;
    try {
      const answer = await ask();
      if (this.unsaid === 0 && session.backlogWithPending <= BACKLOG_BYTES) say(answer);
      else await this.inTurn(answer.chars, () => say(answer));
    } finally {
      session.inFlight -= 1;
    }
  }

  private async inTurn(chars: number, say: () => void): Promise<void> {
    const { session } = this;
    const { account } = session.principal!;
    if (!unread.take(account, chars)) return session.end(closing.lagged, 'reads too slowly');
    this.unsaid += 1;
    const told = this.speaking.then(async () => {
      if (session.backlogWithPending > BACKLOG_BYTES) await session.drained(READ_MILLIS);
      say();
    }).finally(() => {
      unread.give(account, chars);
      this.unsaid -= 1;
    });
    this.speaking = told.catch(() => {}); // the caller hears of it
    await told;
  }
}

/** What is changed together: a conversation with all that is below it. */
function laneOf(path: string): string {
  const [address] = path.split('?', 1) as [string];
  return /\/Conversations\/[^/]+/.exec(address)?.[0] ?? address;
}
