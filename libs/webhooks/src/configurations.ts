/** Which of an account's webhooks speaks for a service: the service's own ones replace the account's (API reference 4.2). */
export type WebhookConfiguration = {
  /** The account's SID, or the service's. */
  sid: string;
  account: string;
  method: string;
  filters: string[];
  pre_webhook_url: string | null;
  post_webhook_url: string | null;
};

/** Users belong to the account: services are not asked about them. */
export const configurationFor = (
  all: readonly WebhookConfiguration[], account: string, service: string | null | undefined, event: string,
): WebhookConfiguration | undefined =>
  (event.startsWith('onUser') ? undefined : all.find(({ sid }) => sid === service)) ?? all.find(({ sid }) => sid === account);
