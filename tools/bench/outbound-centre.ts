/**
 * A message centre as a process of its own, for `outbound`: takes every bind and every submit, answers at once and sends the
 * receipt. Its parent asks how many submits it got, and is told its port; ends with its parent.
 */
import { Status } from '@parley/channel/carriers/smpp/command-status';
import { SmppConnection } from '@parley/channel/carriers/smpp/connection';
import type { Pdu } from '@parley/channel/carriers/smpp/pdu';
import { createServer, type AddressInfo } from 'node:net';

export type CentreReply = { port: number } | { submits: number };
const RECEIPT_MILLIS = 30_000;
const RECEIPT = 4;
let submits = 0;

const server = createServer((socket) => {
  const connection = new SmppConnection(socket);
  connection.onRequest = (pdu) => serve(connection, pdu);
});
server.listen(0, '127.0.0.1', () => tell({ port: (server.address() as AddressInfo).port }));
process.on('message', () => tell({ submits }));
process.on('disconnect', () => process.exit(0));

function serve(connection: SmppConnection, pdu: Pdu): void {
  const { command, sequence } = pdu;
  if (command === 'bind_transceiver') return connection.answer('bind_transceiver_resp', sequence, { systemId: 'bench' });
  if (command === 'unbind') return connection.answer('unbind_resp', sequence, {});
  if (command !== 'submit_sm') return connection.refuse(command, sequence, Status.invalidCommand);
  const messageId = String(++submits);
  connection.answer('submit_sm_resp', sequence, { messageId });
  const { source, sourceTon, sourceNpi, destination, destinationTon, destinationNpi } = pdu.fields;
  const shortMessage = Buffer.from(`id:${messageId} sub:001 dlvrd:001 submit date:2611221159 done date:2611221200 stat:DELIVRD err:000 text:`);
  connection.request('deliver_sm', {
    ...pdu.fields, source: destination, sourceTon: destinationTon, sourceNpi: destinationNpi, destination: source, destinationTon: sourceTon, destinationNpi: sourceNpi,
    esmClass: RECEIPT, registeredDelivery: 0, dataCoding: 0, shortMessage,
  }, { timeoutMillis: RECEIPT_MILLIS }).catch(() => undefined); // the parent counts the receipts that came
  return undefined;
}

function tell(reply: CentreReply): void {
  process.send!(reply);
}
