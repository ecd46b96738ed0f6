/**
 * From the log to jobs: one row per event and target that asked for it, in the transaction of the checkpoint, so none is
 * missing and none is there twice. Costs one query per batch while no account that something happened to has webhooks.
 */
import type { LanePlace } from '@parley/delivery/lane-pool';
import type { MessageAdded } from '@parley/domain/conversation/events';
import type { LogEvent } from '@parley/domain/event';
import type { Connection } from '@parley/event-store/database';
import { configurationFor, type WebhookConfiguration } from '@parley/webhooks/configurations';
import { common, messageParameters, type MessageFields, type Parameters } from '@parley/webhooks/event-parameters';
import { hostOf } from './job-table.js';
import { eventNames, isTold, markOf, neededRows, parametersOf, type Rows } from './post-events.js';
import { mentionsKeyword } from './triggers.js';

export const plannedTypes = [...Object.keys(eventNames), 'ConversationWebhookCreated'];

/** What a REST call did without asking for webhooks passes at no cost. */
export const concernsWebhooks = (event: LogEvent): boolean =>
  event.type === 'ConversationWebhookCreated' ? event.data['replay_after'] != null : isTold(event);

type ScopedWebhook = {
  sid: string; account: string; conversation_sid: string; target: string; url: string | null; method: string | null; filters: string[] | null;
  triggers: string[] | null; replay_after: number | null;
};
type Job = {
  job_key: string; account: string; target: string; conversation_sid: string | null; lane: string; event_type: string; url: string; method: string;
  parameters: Parameters;
};

/** A webhook that asks for what was said before it gets so much of it at most. */
const REPLAYED_MAX = 1000;

/** Returns the lanes that have something new to do. */
export async function planJobs(tx: Connection, events: LogEvent[]): Promise<LanePlace[]> {
  const targets = await Targets.of(tx, events);
  const jobs: Job[] = [];
  for (const event of events)
    if (event.type === 'ConversationWebhookCreated') jobs.push(...(await replay(tx, event.data as ScopedWebhook)));
    else for (const target of targets.ofEvent(event)) jobs.push(jobOf(event, target, targets.rows));
  if (jobs.length > 0) await insert(tx, jobs);
  return jobs.map(({ lane, account, url }) => ({ lane, account, host: hostOf(url) }));
}

type Target = { sid: string; url: string; method: string };

/** Who asked for what, and the rows that the parameters need. */
class Targets {
  private constructor(
    private readonly configurations: readonly WebhookConfiguration[],
    private readonly scoped: readonly ScopedWebhook[],
    readonly rows: Rows,
  ) {}

  static async of(tx: Connection, events: readonly LogEvent[]): Promise<Targets> {
    const conversations = distinct(events.map(({ conversation }) => conversation));
    const { rows: [found] } = await tx.query<{ configurations: WebhookConfiguration[] | null; scoped: ScopedWebhook[] | null; removed: ScopedWebhook[] | null }>({
      name: 'webhook-targets',
      text: `select (select json_agg(c) from model.webhook_configuration c where c.account = any ($1)) as configurations,
                    (select json_agg(w order by w.sid) from model.conversation_webhook w where w.conversation_sid = any ($2)) as scoped,
                    (select json_agg(w) from webhook.removed r, jsonb_array_elements(r.webhooks) w where r.sid = any ($2)) as removed`,
      values: [distinct(events.map(({ account }) => account)), conversations],
    });
    const configurations = found!.configurations ?? [];
    const living = found!.scoped ?? [];
    const scoped = [...living, ...(found!.removed ?? []).filter(({ sid }) => living.every((w) => w.sid !== sid))];
    const asked = configurations.length > 0 || scoped.length > 0;
    return new Targets(configurations, scoped, asked ? await rowsOf(tx, events, conversations) : noRows);
  }

  ofEvent(event: LogEvent): Target[] {
    const name = eventNames[event.type]!;
    const service = event.conversation === null ? undefined
      : (markOf(event).service ?? (this.rows.find(event.conversation)?.['chat_service_sid'] as string | undefined));
    const targets: Target[] = [];
    const general = configurationFor(this.configurations, event.account, service, name);
    if (general?.post_webhook_url && general.filters.includes(name))
      targets.push({ sid: general.sid, url: general.post_webhook_url, method: general.method });
    for (const webhook of this.scoped)
      if (webhook.account === event.account && webhook.conversation_sid === event.conversation && webhook.url && wants(webhook, event))
        targets.push({ sid: webhook.sid, url: webhook.url, method: webhook.method ?? 'post' });
    return targets;
  }
}

/** A flow of the studio is stored and never called: there is no studio here (docs/webhooks.md). */
function wants({ target, filters, triggers }: ScopedWebhook, { type, data }: Pick<LogEvent, 'type' | 'data'>): boolean {
  if (target === 'webhook') return filters?.includes(eventNames[type]!) ?? false;
  return target === 'trigger' && type === 'MessageAdded' && mentionsKeyword((data as MessageAdded).body, triggers ?? []);
}

function jobOf(event: LogEvent, target: Target, rows: Rows): Job {
  const name = eventNames[event.type]!;
  // A message's event is named after the message: its replay to a new webhook is the same event.
  const about = name === 'onMessageAdded' ? (event.data['messageSid'] as string) : event.eventId;
  return {
    job_key: `${target.sid}/${name}/${about}`, account: event.account, target: target.sid, conversation_sid: event.conversation,
    lane: `${target.sid}/${event.conversation ?? (event.data['sid'] as string)}`, event_type: name, url: target.url, method: target.method,
    parameters: parametersOf(event, rows),
  };
}

/** What was said before the webhook was made, as far back as it asked. */
async function replay(tx: Connection, webhook: ScopedWebhook): Promise<Job[]> {
  const { sid: target, account, conversation_sid, url, method, replay_after } = webhook;
  if (!url) return [];
  const { rows } = await tx.query<MessageFields & { sid: string; source: string | null; chat_service_sid: string; messaging_service_sid: string | null }>(
    `select m.*, c.chat_service_sid, c.messaging_service_sid from model.message m join model.conversation c on c.sid = m.conversation_sid
      where m.conversation_sid = $1 and c.account = $2 and m.index > $3 order by m.index limit ${REPLAYED_MAX}`,
    [conversation_sid, account, replay_after],
  );
  return rows.filter(({ body }) => wants(webhook, { type: 'MessageAdded', data: { body } })).map((message) => {
    const { updated_at: _, ...added } = message;
    const parameters = {
      ...common('onMessageAdded', account, { source: message.source?.toUpperCase() ?? 'API' }),
      ...messageParameters(added, { sid: conversation_sid, chat_service_sid: message.chat_service_sid }),
      ...(message.messaging_service_sid !== null && { MessagingServiceSid: message.messaging_service_sid }),
    };
    return {
      job_key: `${target}/onMessageAdded/${message.sid}`, account, target, conversation_sid, lane: `${target}/${conversation_sid}`,
      event_type: 'onMessageAdded', url, method: method ?? 'post', parameters,
    };
  });
}

const noRows: Rows = { find: () => undefined };
/** By the first letters of their SIDs. */
const tables = { CH: 'conversation', IM: 'message', MB: 'participant', US: 'chat_user', DY: 'receipt' };

/** In one statement. Rows that are gone come as they were before (removed-rows.ts). */
async function rowsOf(tx: Connection, events: readonly LogEvent[], conversations: readonly string[]): Promise<Rows> {
  const sids = distinct([...conversations, ...events.flatMap(neededRows)]);
  if (sids.length === 0) return noRows;
  const selects = Object.entries(tables).filter(([prefix]) => sids.some((sid) => sid.startsWith(prefix)))
    .map(([, table]) => `select t.sid, to_jsonb(t), 1 from model.${table} t where t.sid = any ($1)`);
  const { rows } = await tx.query<{ sid: string; row: Record<string, unknown> }>(
    `${['select sid, row, 0 as o from webhook.removed where sid = any ($1)', ...selects].join(' union all ')} order by o`, [sids],
  );
  const found = new Map(rows.map(({ sid, row }) => [sid, row]));
  return { find: (sid) => found.get(sid) };
}

const insert = (tx: Connection, jobs: Job[]) => tx.query({
  name: 'plan-webhooks',
  // In the order of the log, which becomes the order of each lane.
  text: `insert into webhook.job (job_key, account, target, conversation_sid, lane, event_type, url, method, parameters)
         select job_key, account, target, conversation_sid, lane, event_type, url, method, parameters
           from rows from (jsonb_to_recordset($1) as (job_key text, account text, target text, conversation_sid text, lane text,
                event_type text, url text, method text, parameters jsonb)) with ordinality j
                (job_key, account, target, conversation_sid, lane, event_type, url, method, parameters, o)
          order by o on conflict (job_key) do nothing`,
  values: [JSON.stringify(jobs)],
});

const distinct = (values: readonly (string | null)[]): string[] => [...new Set(values)].filter((value): value is string => value !== null);
