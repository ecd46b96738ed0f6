/**
 * Facts about what an account configures, outside any conversation. Streams `service-<IS>`, `address-<IG>`. Rows as they
 * are read back: these resources are small, whole, and hold no personal data beyond our own senders' addresses.
 */
export type ServiceRow = {
  sid: string;
  account: string;
  friendly_name: string;
  default_chat_service_role_sid: string;
  default_conversation_role_sid: string;
  default_conversation_creator_role_sid: string;
  created_at: string;
  updated_at: string;
};
export type AddressConfigurationRow = {
  sid: string;
  account: string;
  type: string;
  address: string;
  friendly_name: string | null;
  auto_creation: Record<string, unknown>;
  address_country: string | null;
  created_at: string;
  updated_at: string;
};

export type RegistryEvent =
  | { type: 'ServiceCreated'; data: ServiceRow }
  | { type: 'AddressConfigurationCreated'; data: AddressConfigurationRow }
  | {
      type: 'AddressConfigurationUpdated';
      data: Pick<AddressConfigurationRow, 'sid' | 'updated_at'> & Partial<Pick<AddressConfigurationRow, 'friendly_name' | 'auto_creation'>>;
    }
  | { type: 'AddressConfigurationDeleted'; data: Pick<AddressConfigurationRow, 'sid'> };
