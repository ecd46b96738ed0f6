/**
 * Facts about what an account configures, outside any conversation: `<Kind>Created` holds the whole row as the read model
 * has it, `<Kind>Updated` its `sid` and what changed, `<Kind>Deleted` its `sid`. Small resources, whole rows; rows with
 * personal data (users, push bindings) are encrypted with a data key of their own, secrets in rows are sealed before.
 */
export const registryTables = {
  Service: 'service',
  ServiceNotification: 'service_notification',
  AccountConfiguration: 'account_configuration',
  AddressConfiguration: 'address_configuration',
  WebhookConfiguration: 'webhook_configuration',
  ConversationWebhook: 'conversation_webhook',
  User: 'chat_user',
  UserConversation: 'user_conversation',
  Role: 'role',
  Credential: 'credential',
  PushBinding: 'push_binding',
  ContentTemplate: 'content_template',
} as const;

export type RegistryKind = keyof typeof registryTables;
/** Columns of the kind's read model (model-registry-schema.ts). */
export type RegistryRow = { sid: string; [column: string]: unknown };
export type RegistryEvent = { type: `${RegistryKind}${'Created' | 'Updated' | 'Deleted'}`; data: RegistryRow };

const effects = { Created: '+', Updated: '~', Deleted: '-' } as const;

/** The read model a fact changes and how; undefined for facts of conversations. */
export function registryEffect(type: string): { table: string; change: '+' | '~' | '-' } | undefined {
  const [, kind, verb] = /^(\w+)(Created|Updated|Deleted)$/.exec(type) ?? [];
  const table = registryTables[kind as RegistryKind] as string | undefined;
  return table === undefined ? undefined : { table, change: effects[verb as keyof typeof effects] };
}

export type ServiceRow = {
  sid: string;
  account: string;
  friendly_name: string;
  default_chat_service_role_sid: string;
  default_conversation_role_sid: string;
  default_conversation_creator_role_sid: string;
  reachability_enabled: boolean;
  created_at: string;
  updated_at: string;
};
