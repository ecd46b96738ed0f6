/** What Parley's API answers with, as far as a client meets it. The names are the API's. Times are ISO 8601 in UTC, whole seconds. */

export type Media = { sid: string; size: number; content_type: string; filename: string | null };

/** How many of the recipients outside the chat a status is true for. */
export type Share = 'none' | 'some' | 'all';
export type DeliverySummary = { total: number; sent: Share; delivered: Share; read: Share; failed: Share; undelivered: Share };

export type Message = {
  sid: string;
  account_sid: string;
  chat_service_sid: string;
  conversation_sid: string;
  /** Counts the messages of the conversation from 0; those that were removed leave gaps. */
  index: number;
  author: string;
  body: string | null;
  media: Media[] | null;
  /** JSON as text. */
  attributes: string;
  participant_sid: string | null;
  content_sid: string | null;
  date_created: string;
  date_updated: string;
  /** null while it has no recipients outside the chat. */
  delivery: DeliverySummary | null;
  url: string;
  links: Record<string, string>;
};

export type ConversationState = 'initializing' | 'active' | 'inactive' | 'closed';
/** When a conversation will become inactive or closed; absent without a timer. */
export type Timers = { date_inactive?: string; date_closed?: string };

/** A page of a list; `next_page_url` is null on the last one. */
export type PageMeta = {
  page: number;
  page_size: number;
  first_page_url: string;
  previous_page_url: string | null;
  url: string;
  next_page_url: string | null;
  key: string;
};
