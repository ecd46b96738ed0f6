/** The npm library `smpp`: somebody else's reading of the specification. It has no types; these are the parts we use. */
import { createRequire } from 'node:module';
import type { Server } from 'node:net';

export type PeerPdu = Record<string, unknown> & {
  command: string; command_status: number; sequence_number: number; system_id: string; password: string; interface_version: number;
  source_addr: string; destination_addr: string; esm_class: number; data_coding: number; registered_delivery: number; message_id: string;
  short_message: { message: Buffer | string; udh?: Buffer[] };
  response(fields?: Record<string, unknown>): PeerPdu;
};
export type PeerSession = {
  on(event: string, listener: (pdu: PeerPdu) => void): void;
  send(pdu: PeerPdu): boolean;
  close(): void;
  destroy(): void;
} & Record<'bind_transceiver' | 'submit_sm' | 'deliver_sm' | 'enquire_link' | 'unbind', (fields: Record<string, unknown>, answered?: (answer: PeerPdu) => void) => boolean>;

const require = createRequire(import.meta.url);
export const npmSmpp = require('smpp') as {
  connect(options: { url: string }, connected: () => void): PeerSession;
  createServer(options: object, listener: (session: PeerSession) => void): Server;
};
