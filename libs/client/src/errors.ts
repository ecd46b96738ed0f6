/** Why something was not done. */

export class ParleyError extends Error {
  override name = 'ParleyError';
}

/**
 * The server refused one request. `code` is of the API's error catalogue, `status` as in HTTP; the websocket goes on. With 429 and 503
 * `retryAfterSeconds` may say when to ask again.
 */
export class RefusedError extends ParleyError {
  override name = 'RefusedError';
  constructor(
    readonly code: number, message: string, readonly status: number | undefined = undefined,
    readonly details: Record<string, unknown> = {}, readonly retryAfterSeconds: number | undefined = undefined,
  ) {
    super(message);
  }
}

/** No answer in time. What was asked may still be done: writes are repeated with the same idempotency key, never done twice. */
export class TimeoutError extends ParleyError {
  override name = 'TimeoutError';
}

/** The client is closed, and does not connect again. `code` is the close code of the websocket (docs/websocket.md); 1000: by `close()`. */
export class ClosedError extends ParleyError {
  override name = 'ClosedError';
  constructor(readonly code: number, reason: string) {
    super(reason);
  }
}

/** The token provider failed; it is asked again. Its own error is the `cause`. */
export class TokenError extends ParleyError {
  override name = 'TokenError';
}

/** A handler of the application failed. Its own error is the `cause`; the event counts as handled. */
export class HandlerError extends ParleyError {
  override name = 'HandlerError';
}
