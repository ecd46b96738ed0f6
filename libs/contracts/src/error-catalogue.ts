/**
 * The API's errors: code, HTTP status and message (API reference 2.6-2.8; titles as documented). Domain refusals carry
 * names of ours, this is the one place that gives them their documented code. `{}` in a message is filled with the
 * parameter, path or SID the error is about.
 */
import type { DomainError, DomainErrorCode } from '@parley/domain/domain-error';

const catalogue = {
  19056: [415, 'Input request content type is invalid: send application/x-www-form-urlencoded'],
  20001: [400, 'Invalid parameter: {}'],
  20003: [401, 'Authenticate'],
  20004: [405, 'Method not allowed'],
  20005: [403, 'Account not active'],
  20006: [403, 'Access Denied'],
  20007: [400, 'Page size must be a whole number of at least 1'],
  20101: [401, 'Invalid Access Token'],
  20102: [401, 'Invalid Access Token header'],
  20103: [401, 'Invalid Access Token issuer/subject'],
  20104: [401, 'Access Token expired or expiration date invalid'],
  20105: [401, 'Access Token not yet valid'],
  20106: [401, 'Invalid Access Token grants'],
  20107: [401, 'Invalid Access Token signature'],
  20157: [401, 'Expiration Time in the Access Token Exceeds Maximum Time Allowed'],
  20404: [404, 'The requested resource {} was not found'],
  20409: [409, 'Conflict: {}'],
  20413: [413, 'Request body is larger than 1 MiB'],
  20429: [429, 'Too Many Requests'],
  20500: [500, 'Internal Server Error'],
  20503: [503, 'Service unavailable, try again'],
  21101: [400, 'Subaccounts cannot contain subaccounts'],
  21480: [400, 'Reached maximum number of subaccounts'],
  21481: [400, 'Invalid PageToken'],
  50000: [400, 'FriendlyName not provided'],
  50003: [400, 'Friendly name too long'],
  50004: [400, 'Unique Name too long'],
  50050: [404, 'Service Instance not found'],
  50051: [400, 'Service SID not provided'],
  50054: [400, 'Invalid webhook format'],
  50055: [400, 'Invalid webhook method'],
  50056: [403, 'Webhook disabled processing of command'],
  50057: [400, 'Webhook call failed to execute successfully'],
  50058: [400, 'Notification template too long'],
  50059: [400, 'Notification sound name too long'],
  50065: [400, 'Invalid webhook retry count'],
  50102: [404, 'Deployment role not found'],
  50104: [404, 'Permission not found'],
  50103: [400, 'Role SID not provided'],
  50105: [400, 'Invalid role type'],
  50107: [403, 'User not authorized for command'],
  50106: [404, 'Channel creator role not found'],
  50109: [404, 'Conversation role not found'],
  50203: [400, 'Identity reserved'],
  50204: [400, 'Identity not provided'],
  50205: [403, 'User unauthorized to set role'],
  50206: [400, 'Identity should not match user SID pattern'],
  50207: [400, 'Identity too long'],
  50210: [400, 'Invalid notification level'],
  50209: [400, 'Invalid binding type'],
  50211: [400, 'Identity parameter not acceptable for this Participant'],
  50214: [400, 'User conversation limit exceeded'],
  50303: [400, 'Attributes too long'],
  50304: [400, 'Attributes not valid JSON'],
  50308: [400, 'Invalid Date Created parameter'],
  50309: [400, 'Invalid Date Updated parameter'],
  50310: [400, 'Author parameter is too long'],
  50341: [400, 'Invalid messaging service SID'],
  50201: [409, 'User already exists'],
  50353: [409, 'Conversation with provided unique name already exists'],
  50361: [400, 'Too many conversation webhooks'],
  50362: [400, 'Too many conversation webhook triggers'],
  50364: [400, 'Invalid conversation webhook type'],
  50365: [400, 'Invalid conversation webhook filter'],
  50366: [400, 'Invalid conversation webhook trigger'],
  50367: [400, 'Invalid conversation webhook flow SID'],
  50368: [400, 'Conversation webhook type not provided'],
  50369: [400, 'Conversation webhook URL not provided'],
  50370: [400, 'Conversation webhook filter not provided'],
  50371: [400, 'Conversation webhook trigger not provided'],
  50372: [400, 'Conversation webhook URL is too long'],
  50374: [400, "'State' field can't be empty"],
  50375: [400, 'TimeToInactive should be greater or equal to 1 minute'],
  50376: [400, 'TimeToClosed should be greater or equal to 10 minutes'],
  50377: [400, "Can't update conversation as it's in final closed state"],
  50378: [400, "'State' parameter value is invalid"],
  50379: [400, 'TimeToInactive format is invalid'],
  50380: [400, 'TimeToClosed format is invalid'],
  50384: [400, "Initial state can't be 'closed'"],
  50386: [400, 'Conversation is still initializing and cannot be updated or written to'],
  50390: [400, 'Unique name should not match conversation sid pattern'],
  50391: [409, 'Conflicting conversation modification'],
  50396: [400, 'EndDate lies before StartDate'],
  50405: [400, 'Invalid last consumption timestamp format'],
  50407: [400, 'Invalid messaging binding address'],
  50408: [400, 'Invalid participant proxy address'],
  50409: [400, 'Participant address equals proxy address'],
  50411: [400, 'Participant address is empty'],
  50412: [400, 'Participant proxy address is empty'],
  50413: [403, 'Account is not authorized to use proxy address'],
  50414: [400, 'Participant address type does not match proxy address type'],
  50415: [400, 'Proxy address is not WhatsApp enabled sender'],
  50416: [409, 'A binding for this participant and proxy address already exists in Conversation {}'],
  50417: [400, 'Participants limit exceeded'],
  50418: [400, 'Non-Chat participants limit exceeded'],
  50420: [400, 'Participant Messaging Binding type does not support all of the provided Messaging Binding parameters'],
  50421: [400, 'Invalid last read message index format'],
  50424: [400, 'Invalid participant: {}'],
  50425: [409, 'One or more participant and proxy address pairs are already in use: a binding already exists in Conversation {}'],
  50426: [400, 'Too many participants in one request: at most 10'],
  50430: [403, 'Participant is not a member of conversation'],
  50433: [409, 'Participant already exists'],
  50434: [400, 'Participant projected address not provided'],
  50435: [400, 'Group MMS activation failed.'],
  50436: [400, 'Participant limit exceeded for group conversation'],
  50437: [409, 'Group Participant already exists'],
  50438: [409, 'Group MMS with given participant list already exists as Conversation {}'],
  50439: [403, 'Account is not authorized to use the projected address'],
  50440: [400, 'Failed to remove the proxy address of a participant.'],
  50441: [400, 'Failed to add a proxy address to a participant.'],
  50442: [400, 'Failed to remove the projected address of a participant.'],
  50443: [400, 'Failed to add a projected address to a participant.'],
  50444: [400, 'Failed to add an identity to a participant.'],
  50451: [400, 'One user identifier parameter for lookup at a time is allowed. Please, use either Identity or Address.'],
  50452: [403, 'Group MMS is not enabled for this Account'],
  50503: [400, 'Message body not provided'],
  50504: [400, 'Message body parameter is too long'],
  50507: [404, 'Media not found'],
  50508: [400, 'Media already sent with another message'],
  50509: [400, 'Media message body cannot be updated'],
  50510: [400, 'Invalid message media SID'],
  50511: [400, 'Invalid message media content type'],
  50512: [413, 'Message media size is too large'],
  50513: [400, 'Message author should be among Group MMS participants.'],
  50526: [400, 'Invalid content SID'],
  50527: [400, 'Invalid content variables format'],
  50528: [400, 'Content SID is missing'],
  50530: [404, 'Channel metadata not found for this message'],
  50531: [403, 'User not authorized to read channel metadata'],
  50529: [400, 'Content variables are too long'],
  50540: [400, 'Content variable key is too long'],
  50541: [400, 'Content variable value is too long'],
  50542: [400, 'Content template type not supported in Conversations'],
  51102: [401, 'Access Token names no chat service of this account'],
  51105: [401, 'Access Token names no identity'],
  70001: [400, 'The request has constraint violations'],
  70002: [400, '{} is invalid'],
  70051: [401, 'Authorization Error: required permission {} is missing'],
  70151: [400, 'Maximum Number Of API Keys Exceeded'],
  92001: [400, 'Content types are required'],
  92002: [400, 'Content variables limit exceeded'],
  92003: [400, 'Content language is required'],
  92004: [400, 'Content language is invalid'],
  92005: [400, 'ContentSid is required'],
  92006: [400, 'ContentSid is invalid'],
  92007: [400, 'Content variables are invalid'],
  92008: [400, 'Content type is not supported'],
} as const satisfies Record<number, readonly [status: number, message: string]>;

export type ErrorCode = keyof typeof catalogue;
export const isErrorCode = (code: number): code is ErrorCode => code in catalogue;

const codeOf: Record<DomainErrorCode, ErrorCode> = {
  conversation_not_found: 20404,
  conversation_closed: 50377,
  conversation_initializing: 50386,
  conversation_unique_name_taken: 50353,
  initial_state_closed: 50384,
  participant_not_found: 20404,
  participant_exists: 50433,
  participant_limit_exceeded: 50417,
  non_chat_participant_limit_exceeded: 50418,
  address_pair_in_use: 50416,
  address_pairs_in_use: 50425,
  proxy_address_cannot_be_removed: 50440,
  proxy_address_cannot_be_added: 50441,
  identity_cannot_be_added: 50444,
  projected_address_missing: 50434,
  projected_address_cannot_be_removed: 50442,
  projected_address_cannot_be_added: 50443,
  group_activation_failed: 50435,
  group_participant_limit_exceeded: 50436,
  group_participant_exists: 50437,
  group_exists: 50438,
  author_not_in_group: 50513,
  message_not_found: 20404,
  media_not_found: 50507,
  media_in_use: 50508,
  address_configuration_exists: 20409,
  address_configuration_not_found: 20404,
  resource_not_found: 20404,
  service_is_default: 20409,
  resource_limit_exceeded: 20001,
  user_exists: 50201,
  user_conversation_limit_exceeded: 50214,
  role_exists: 20409,
  sender_exists: 20409,
  webhook_refused: 50056,
  webhook_failed: 50057,
  conflicting_modification: 50391,
  idempotency_key_reused: 20409,
  overloaded: 20503,
  unavailable: 20503,
};

/** What fills the placeholder of a domain refusal. Paths are the gateway's business. */
const subjectOf = (error: DomainError): string => {
  switch (error.code) {
    case 'address_pair_in_use':
    case 'address_pairs_in_use':
    case 'group_exists':
      return error.details.conversationSid ?? '';
    case 'address_configuration_exists': return 'this address is already configured';
    case 'role_exists': return 'a role of this name exists in the service';
    case 'resource_limit_exceeded': return error.details.limit ?? '';
    case 'service_is_default': return 'this is the default service of the account, choose another one (DefaultChatServiceSid) first';
    case 'sender_exists': return 'this sender is already configured';
    case 'idempotency_key_reused': return 'this Idempotency-Key was used for another request';
    default: return '';
  }
};

/** An answer that is no success. `status` overrides the catalogue's where one code serves several statuses. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;

  constructor(readonly code: ErrorCode, about = '', options: { status?: number; message?: string } = {}) {
    super(options.message ?? catalogue[code][1].replace('{}', () => about));
    this.status = options.status ?? catalogue[code][0];
  }

  /** The body of the answer: the four documented keys. */
  toJSON(): { code: number; message: string; more_info: string; status: number } {
    const { code, message, status } = this;
    return { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status };
  }
}

/** A resource of the API that this release does not have yet: HTTP 501, so that nobody takes it for a wrong SID. */
export const notBuilt = (resource: string): ApiError =>
  new ApiError(20500, '', { status: 501, message: `${resource} is not built yet` });

/** `path` is the requested one without `/v1`, for the 404 message. */
export const apiErrorOf = (error: DomainError, path: string): ApiError => {
  const code = codeOf[error.code];
  return new ApiError(code, code === 20404 ? path : subjectOf(error));
};
