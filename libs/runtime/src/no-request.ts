/**
 * What never becomes a request: bytes that are no HTTP, a head that is too large or has no end, an expectation nobody can
 * meet. Node would answer in forms of its own; who reads this API's errors reads one form.
 */
import { ApiError } from '@parley/contracts/error-catalogue';
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const statuses: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
const refusal = (status: number): string => JSON.stringify(new ApiError(20001, 'request', { status }));
const type = 'application/json; charset=utf-8';

/** Answers and ends the connection: where the next request would begin nobody knows. */
export function refuseBytes(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status = statuses[error.code ?? ''] ?? 400;
  const body = refusal(status);
  if (socket.writable && !answering(socket)) socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n${body}`);
  socket.destroy(error);
}

/** Half an answer to an earlier request of the connection is out: another head in the middle of it would be read as its body. */
const answering = (socket: Socket & { _httpMessage?: ServerResponse | null }): boolean => socket._httpMessage?.headersSent === true;

/** `Expect` with anything but `100-continue`, which Node meets by itself. */
export function refuseExpectations(server: Server): void {
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const body = refusal(417);
    response.writeHead(417, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), 'Connection': 'close' }).end(body);
  });
}
