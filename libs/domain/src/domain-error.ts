/**
 * Why a command was refused, as a name of ours; `@parley/contracts/error-catalogue` maps each name to the API's code,
 * HTTP status and message. `details` fills the message's placeholders and must hold no personal data.
 */
export type DomainErrorCode =
  | 'conversation_not_found'
  | 'conversation_closed'
  | 'conversation_initializing'
  | 'conversation_unique_name_taken'
  | 'initial_state_closed'
  | 'participant_not_found'
  | 'participant_exists'
  | 'participant_limit_exceeded'
  | 'non_chat_participant_limit_exceeded'
  | 'address_pair_in_use'
  | 'address_pairs_in_use'
  | 'proxy_address_cannot_be_removed'
  | 'proxy_address_cannot_be_added'
  | 'identity_cannot_be_added'
  | 'projected_address_missing'
  | 'projected_address_cannot_be_removed'
  | 'projected_address_cannot_be_added'
  | 'group_activation_failed'
  | 'group_participant_limit_exceeded'
  | 'group_participant_exists'
  | 'group_exists'
  | 'author_not_in_group'
  | 'message_not_found'
  | 'media_not_found'
  | 'media_in_use'
  | 'address_configuration_exists'
  | 'address_configuration_not_found'
  | 'resource_not_found'
  | 'service_is_default'
  | 'resource_limit_exceeded'
  | 'user_exists'
  | 'user_conversation_limit_exceeded'
  | 'role_exists'
  | 'sender_exists'
  | 'webhook_refused'
  | 'webhook_failed'
  | 'conflicting_modification'
  | 'idempotency_key_reused'
  | 'overloaded'
  | 'unavailable';

export class DomainError extends Error {
  override name = 'DomainError';
  constructor(
    readonly code: DomainErrorCode,
    readonly details: Readonly<Record<string, string>> = {},
  ) {
    super(code);
  }
}
