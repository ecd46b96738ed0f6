/**
 * `/Client/v2/…` inside the socket: the SDK's own REST API (JSON, snake_case), each request told to the public one as the
 * form it means. Answers are the public resources with what the SDK needs besides.
 */
import type { ClientSession } from './client-session.js';
import type { ClientLinks } from './configuration.js';
import { answerForms } from './client-answers.js';
import { conversationForm, messageForm, participantForm, userConversationForm, userForm } from './client-forms.js';
import type { ContentTemplates } from './content-templates.js';
import type { ConversationCounts } from './conversation-counts.js';
import type { MessageRecipients } from './message-recipients.js';
import type { RestAnswer, RestUpstream } from '../rest-upstream.js';
import { TunnelRefusal, type TunnelAnswer, type TunnelRequest } from './tunnel-request.js';

const LIST_PAGE = 100;
const ALREADY_IN = 50433;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const notFound = () => new TunnelRefusal(404, 20404, 'The requested resource was not found');
const notAllowed = () => new TunnelRefusal(405, 20004, 'Method not allowed');

export class ClientApi {
  constructor(
    private readonly rest: RestUpstream, private readonly links: ClientLinks, private readonly counts: ConversationCounts, private readonly templates: ContentTemplates,
    private readonly recipients: MessageRecipients,
  ) {}

  /** `segments`: behind `Client/v2`. Throws TunnelRefusal. */
  answer(session: ClientSession, request: TunnelRequest): Promise<TunnelAnswer> {
    const [resource, first, second, third, fourth] = request.segments.slice(2);
    switch (resource) {
      case 'ContentTemplates': return this.contentTemplates(session, request);
      case 'Users': return second === 'Conversations' ? this.myConversations(session, request, third) : this.user(session, request, first);
      case 'Conversations': break;
      default: throw notFound();
    }
    if (first === undefined) return this.createConversation(session, request);
    switch (second) {
      case undefined: return this.conversation(session, request, first);
      case 'Messages': return fourth === undefined ? this.message(session, request, first, third) : this.aboutMessage(session, request, first, third!, fourth);
      case 'Participants': return this.participant(session, request, first, third);
      case 'MessageRecipients': return this.messageRecipients(session, request, first);
      default: throw notFound();
    }
  }

  private async contentTemplates({ principal }: ClientSession, { method, params }: TunnelRequest): Promise<TunnelAnswer> {
    if (method !== 'GET') throw notAllowed();
    return { status: 200, body: await this.templates.page(principal!, params.get('PageToken'), params.get('PageSize')) };
  }

  /** For who may see the conversation. */
  private async messageRecipients(session: ClientSession, request: TunnelRequest, conversation: string): Promise<TunnelAnswer> {
    if (request.method !== 'GET') throw notAllowed();
    const answer = await this.ask(session, request, `/Conversations/${encodeURIComponent(conversation)}`);
    return answer.status === 200 ? { status: 200, body: await this.recipients.page(answer.body.sid as string, request.params) } : answer;
  }

  private async createConversation(session: ClientSession, request: TunnelRequest): Promise<TunnelAnswer> {
    if (request.method !== 'POST') throw notAllowed();
    const answer = await this.ask(session, request, '/Conversations', conversationForm(request.json));
    return this.made(answer, (body) => answerForms.conversation(this.links, body, 'notParticipating'));
  }

  private async conversation(session: ClientSession, request: TunnelRequest, sid: string): Promise<TunnelAnswer> {
    const path = `/Conversations/${encodeURIComponent(sid)}`;
    if (request.method === 'DELETE') return this.ask(session, request, path);
    if (request.method === 'POST') {
      const answer = await this.ask(session, request, path, conversationForm(request.json));
      return this.made(answer, (body) => answerForms.conversation(this.links, body, 'joined'));
    }
    const answer = await this.ask(session, request, path);
    if (answer.status !== 200) return answer;
    const counts = await this.counts.of(answer.body.sid as string, session.principal!.identity);
    return { status: 200, body: { ...answerForms.conversation(this.links, answer.body, counts.joined ? 'joined' : 'notParticipating'), ...counts.told } };
  }

  private async myConversations(session: ClientSession, request: TunnelRequest, conversation: string | undefined): Promise<TunnelAnswer> {
    const path = `/Users/${session.mine}/Conversations`;
    if (conversation !== undefined) {
      const form = request.method === 'POST' ? userConversationForm(request.json) : undefined;
      const answer = await this.ask(session, request, `${path}/${encodeURIComponent(conversation)}`, form);
      return this.made(answer, (body) => answerForms.userConversation(this.links, body));
    }
    if (request.method !== 'GET') throw notAllowed();
    const answer = await this.ask(session, request, `${path}?${pageQuery(request)}`);
    return this.made(answer, (body) => ({ conversations: body.conversations.map((each: object) => answerForms.userConversation(this.links, each)), meta: answerForms.meta(body.meta) }));
  }

  private async message(session: ClientSession, request: TunnelRequest, conversation: string, sid: string | undefined): Promise<TunnelAnswer> {
    const path = `/Conversations/${encodeURIComponent(conversation)}/Messages${sid === undefined ? '' : `/${encodeURIComponent(sid)}`}`;
    if (sid === undefined && request.method !== 'POST') throw notAllowed(); // messages are read as a synchronised list
    const answer = await this.ask(session, request, path, request.method === 'POST' ? messageForm(request.json) : undefined);
    return this.made(answer, (body) => answerForms.message(this.links, body));
  }

  private async aboutMessage(session: ClientSession, request: TunnelRequest, conversation: string, sid: string, what: string): Promise<TunnelAnswer> {
    if (request.method !== 'GET') throw notAllowed();
    const path = `/Conversations/${encodeURIComponent(conversation)}/Messages/${encodeURIComponent(sid)}`;
    if (what === 'ChannelMetadata') return this.ask(session, request, `${path}/ChannelMetadata`);
    if (what !== 'Receipts') throw notFound();
    const answer = await this.ask(session, request, `${path}/Receipts?${pageQuery(request)}`);
    return this.made(answer, (body) => ({ delivery_receipts: body.delivery_receipts, meta: answerForms.meta(body.meta) }));
  }

  private async participant(session: ClientSession, request: TunnelRequest, conversation: string, who: string | undefined): Promise<TunnelAnswer> {
    const path = `/Conversations/${encodeURIComponent(conversation)}/Participants${who === undefined ? '' : `/${encodeURIComponent(who)}`}`;
    if (who === undefined && request.method !== 'POST') throw notAllowed();
    let answer = await this.ask(session, request, path, request.method === 'POST' ? participantForm(request.json) : undefined);
    if (answer.body?.code === ALREADY_IN && request.json['identity'] === session.principal!.identity) answer = await this.joined(session, conversation, answer);
    return this.made(answer, (body) => answerForms.participant(this.links, body));
  }

  /** Who makes a conversation is in it at once, and applications join it next: for him that is no mistake. */
  private async joined(session: ClientSession, conversation: string, refused: RestAnswer): Promise<RestAnswer> {
    const { token, mine, principal } = session;
    const get = (path: string) => this.rest.call({ account: principal!.account, method: 'GET', path: `/v1/Services/${principal!.service}${path}`, credentials: bearer(token) });
    const { body } = await get(`/Users/${mine}/Conversations/${encodeURIComponent(conversation)}`);
    if (body?.created_by !== principal!.identity) return refused;
    const found = await get(`/Conversations/${encodeURIComponent(conversation)}/Participants/${body.participant_sid}`);
    return found.status === 200 ? { ...found, status: 201 } : refused;
  }

  private async user(session: ClientSession, request: TunnelRequest, who: string | undefined): Promise<TunnelAnswer> {
    if (who === undefined || request.method === 'DELETE') throw notAllowed();
    const answer = await this.ask(session, request, `/Users/${encodeURIComponent(who)}`, request.method === 'POST' ? userForm(request.json) : undefined);
    return this.made(answer, (body) => answerForms.user(this.links, body));
  }

  private ask({ token, principal }: ClientSession, { method, mutation }: TunnelRequest, path: string, form?: URLSearchParams): Promise<RestAnswer> {
    if (!['GET', 'POST', 'DELETE'].includes(method) || (method === 'POST' && !form)) throw notAllowed();
    return this.rest.call({
      account: principal!.account, method, path: `/v1/Services/${principal!.service}${path}`, credentials: bearer(token), key: method === 'GET' ? undefined : mutation,
      body: form && { type: 'application/x-www-form-urlencoded', text: form.toString() },
    });
  }

  private made(answer: RestAnswer, form: (body: any) => object): TunnelAnswer {
    return answer.status < 300 && answer.body !== undefined ? { status: answer.status, body: form(answer.body) } : answer;
  }
}

function pageQuery({ params }: TunnelRequest): URLSearchParams {
  const size = Number(params.get('PageSize'));
  const query = new URLSearchParams({ PageSize: String(size >= 1 && size <= LIST_PAGE ? Math.trunc(size) : LIST_PAGE) });
  const token = params.get('PageToken');
  if (token !== undefined) query.set('PageToken', token);
  return query;
}
