/**
 * What a fact carries when webhooks are to be told of it, as an optional field `webhook` of its data: who caused it. Absent
 * from what a REST call wrote without asking for webhooks (API reference 4.2), so most facts stay as small as they were.
 */
export type WebhookMark = {
  /** `API`, `SDK`, or the channel in capitals: `SMS`, `WHATSAPP`. */
  source: string;
  /** Who acted, where it was a chat member. */
  identity?: string;
  /** The conversation's service: it is known still when the conversation is gone. */
  service?: string;
  /** The message from outside that opened the conversation. */
  opening?: {
    /** Of its author; of a group, everybody it was written to, separated by commas. */
    address: string;
    proxyAddress?: string;
    /** Of a group alone. */
    authorAddress?: string;
    body: string | null;
  };
};
