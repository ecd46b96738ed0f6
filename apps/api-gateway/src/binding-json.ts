/** A push binding in answers: everything but the device's address. */
import type { Call } from './call.js';
import { plainOrNull, text, time } from './json-text.js';

export type BindingRow = {
  sid: string; credential_sid: string | null; endpoint: string; identity: string; binding_type: string; message_types: string[];
  created_at: string; updated_at: string;
};

export function bindingJson({ account, base, service }: Call, b: BindingRow): string {
  return `{"sid":"${b.sid}","account_sid":"${account.sid}","chat_service_sid":"${service}","credential_sid":${plainOrNull(b.credential_sid)
  },"date_created":${time(b.created_at)},"date_updated":${time(b.updated_at)},"endpoint":${text(b.endpoint)},"identity":${text(b.identity)
  },"binding_type":"${b.binding_type}","message_types":${JSON.stringify(b.message_types)},"url":"${base}/Bindings/${b.sid}"}`;
}
