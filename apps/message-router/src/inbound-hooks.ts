/**
 * Pre-event webhooks of what carriers bring (API reference 4.2, 4.5): always asked, where configured. All events of one inbound
 * message share one patience, so that a target that hangs holds it up no longer than a single question would.
 */
import type { AddMessage, Caller, InboundMessage } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import { updateConversation } from '@parley/contracts/rest/conversations';
import { updateMessage } from '@parley/contracts/rest/messages';
import { parameters } from '@parley/contracts/rest/parameters';
import { DomainError } from '@parley/domain/domain-error';
import { Batcher } from '@parley/delivery/batcher';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { textArray } from '@parley/event-store/pg-arrays';
import { logger } from '@parley/telemetry/logger';
import type { WebhookConfiguration } from '@parley/webhooks/configurations';
import { conversationParameters, mediaJson, messageParameters, openingParameters, participantParameters } from '@parley/webhooks/event-parameters';
import { conversationWishes, formOf, messageWishes, PreHooks } from '@parley/webhooks/pre-hooks';
import { privateTargetsAllowed } from '@parley/webhooks/target-address';

const PATIENCE_MILLIS = 5_000;
const log = logger('message-router');

export class InboundHooks {
  /** Asked for with every message, so many at a time. */
  private readonly lookups = new Batcher<{ account: string; place: string }, WebhookConfiguration[]>((places) => this.lookUp(places));
  private readonly hooks: PreHooks;

  constructor(private readonly pool: Pool, accounts: Pick<Accounts, 'find'>) {
    this.hooks = new PreHooks({
      accounts, target: { privateAllowed: privateTargetsAllowed() }, configurations: (account, place) => this.lookups.do({ account, place }),
    });
  }

  /** When the patience with this message's webhooks ends. */
  patience = (): number => Date.now() + PATIENCE_MILLIS;

  /** What to store; throws a refusal (isRefusedByHook) when it must not be. */
  async messageAdd(caller: Caller, conversation: string, message: AddMessage, until: number): Promise<AddMessage> {
    const wishes = await this.hooks.ask(caller, conversation, 'onMessageAdd', async () => {
      const { rows: [place] } = await this.pool.query<{ chat_service_sid: string; participant_sid: string | null }>(
        `select chat_service_sid, (select p.sid from model.participant p where p.conversation_sid = c.sid and p.address = $2 order by p.sid limit 1) as participant_sid
           from model.conversation c where c.sid = $1`, [conversation, message.author],
      );
      const { author, body = null, attributes = '{}', media } = message;
      return {
        ...messageParameters({ author: author!, body, attributes, participant_sid: place?.participant_sid ?? null }, { sid: conversation, chat_service_sid: place?.chat_service_sid ?? null }),
        ...(media && { Media: mediaJson(media) }),
      };
    }, until);
    return { ...message, ...parameters(updateMessage, formOf(wishes, messageWishes)) };
  }

  async conversationAdd(caller: Caller, service: string, { from, to, group, body, media }: InboundMessage, until: number): Promise<{ friendlyName?: string | null }> {
    const wishes = await this.hooks.ask(caller, service, 'onConversationAdd', () => ({
      ...conversationParameters({ chat_service_sid: service, attributes: '{}', state: 'active' }),
      ...openingParameters(group ? { address: [to, ...group].join(','), authorAddress: from, body } : { address: from, proxyAddress: to, body }), ...(media && { Media: mediaJson(media) }),
    }), until);
    return parameters(updateConversation, formOf(wishes, conversationWishes));
  }

  async participantAdd(caller: Caller, service: string, conversation: string, { channel, from, to }: InboundMessage, until: number): Promise<void> {
    await this.hooks.ask(caller, service, 'onParticipantAdd', () => participantParameters(
      { type: channel, address: from, proxy_address: to, attributes: '{}' }, { sid: conversation, chat_service_sid: service }), until);
  }

  /** `place`: a conversation, or a service. */
  private async lookUp(places: { account: string; place: string }[]): Promise<WebhookConfiguration[][]> {
    const { rows } = await this.pool.query<{ o: number; found: WebhookConfiguration[] | null }>({
      name: 'inbound-hooks',
      text: `select k.o::integer as o, (select json_agg(w) from model.webhook_configuration w
                                         where w.sid in (k.account, coalesce(c.chat_service_sid, k.place)) and w.account = k.account) as found
               from unnest($1::text[], $2::text[]) with ordinality k (account, place, o) left join model.conversation c on c.sid = k.place`,
      values: [textArray(places.map(({ account }) => account)), textArray(places.map(({ place }) => place))],
    });
    const found = new Map(rows.map((row) => [row.o, row.found ?? []]));
    return places.map((_, i) => found.get(i + 1) ?? []);
  }
}

/** A webhook said no, could not be reached, or wished for something impossible: nothing is stored. */
export function isRefusedByHook(error: unknown): boolean {
  const refused = error instanceof ApiError || (error instanceof DomainError && ['webhook_refused', 'webhook_failed'].includes(error.code));
  if (refused) log.info('a pre-event webhook refused an inbound message', { code: (error as ApiError | DomainError).code });
  return refused;
}
