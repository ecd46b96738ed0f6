/**
 * Why a send did not end in an id of the carrier. Three kinds, and what follows from each:
 * certainly not sent and worth another try (`retryable`), certainly not sent and hopeless (neither), and `ambiguous`: the
 * carrier may have it, so nobody sends again before it was asked.
 */
export type SendErrorCode =
  | 'rate_limited'
  /** Too much for this one person: everybody else may be sent to. */
  | 'recipient_rate_limited'
  | 'unreachable'
  | 'authentication'
  | 'no_answer'
  | 'invalid_recipient'
  | 'invalid_sender'
  | 'opted_out'
  | 'content_refused'
  | 'rejected';

type SendErrorDetails = ErrorOptions & {
  /** For the receipt, in Twilio's numbers; default 30008, "unknown error". */
  errorCode?: number;
  /** The carrier asked for this pause. */
  retryAfterMillis?: number;
  /** The carrier's own code, as it wrote it. */
  carrierCode?: string | undefined;
};

export const UNKNOWN_ERROR = 30008;

export class SendError extends Error {
  override name = 'SendError';
  readonly errorCode: number;
  readonly retryAfterMillis: number | undefined;
  readonly carrierCode: string | undefined;

  constructor(
    readonly code: SendErrorCode,
    readonly outcome: 'retryable' | 'permanent' | 'ambiguous',
    { errorCode = UNKNOWN_ERROR, retryAfterMillis, carrierCode, ...options }: SendErrorDetails = {},
  ) {
    super(`send failed: ${code} (${errorCode})`, options);
    this.errorCode = errorCode;
    this.retryAfterMillis = retryAfterMillis;
    this.carrierCode = carrierCode;
  }

  get retryable(): boolean { return this.outcome === 'retryable'; }
  get ambiguous(): boolean { return this.outcome === 'ambiguous'; }
}

/** A webhook that nobody we know signed. */
export class InvalidSignature extends Error {
  override name = 'InvalidSignature';
  /** What the carrier is answered: some stop trying only at a status of their own. */
  constructor(readonly status: 401 | 403 | 406 = 403) {
    super('the signature does not fit');
  }
}
