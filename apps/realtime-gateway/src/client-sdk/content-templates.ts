/** The account's content templates as the SDK lists them; how far WhatsApp's approval is stands beside each. */
import { isoTime, type Pool } from '@parley/event-store/database';

const PAGE_MAX = 100;
type Row = {
  sid: string; friendly_name: string | null; variables: Record<string, string>; types: Record<string, object>; approval: { status: string } | null;
  created_at: string; updated_at: string;
};

export class ContentTemplates {
  constructor(private readonly pool: Pool) {}

  /** By SID; `after`: the token of the page before. A page has 1 to 100, 100 when nothing is asked for. */
  async page({ account, service }: { account: string; service: string }, after = '', asked?: string): Promise<object> {
    const size = Math.min(Math.max(Math.trunc(Number(asked)) || PAGE_MAX, 1), PAGE_MAX);
    const { rows } = await this.pool.query<Row>({
      name: 'client-templates', text: 'select * from model.content_template where account = $1 and sid > $2 order by sid limit $3', values: [account, after, size + 1],
    });
    const page = rows.slice(0, size);
    const templates = page.map(({ sid, friendly_name, variables, types, approval, created_at, updated_at }) => ({
      sid, account_sid: account, service_sid: service, friendly_name: friendly_name ?? '', variables: JSON.stringify(variables), variants: types,
      approval_requests: { whatsapp: approval ?? { status: 'unsubmitted' } }, date_created: isoTime(created_at), date_updated: isoTime(updated_at),
    }));
    return { templates, meta: { previous_token: null, next_token: rows.length > size ? page.at(-1)!.sid : null } };
  }
}
