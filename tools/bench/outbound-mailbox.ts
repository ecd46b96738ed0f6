/**
 * A mail server as a process of its own, for `outbound`: takes every mail for everybody and keeps none. Its parent asks how many
 * came with a Message-ID that was here before, and is told its port; ends with its parent.
 */
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export type MailboxReply = { port: number } | { /** Since it was asked last. */ twice: number };
const HEAD_BYTES = 4_096;
const seen = new Set<string>();
let twice = 0;

const server = new SMTPServer({
  disabledCommands: ['AUTH'], hideSTARTTLS: true, logger: false, disableReverseLookup: true,
  onData(stream, _session, callback) {
    let head = '';
    stream.on('data', (chunk: Buffer) => { if (head.length < HEAD_BYTES) head += chunk.toString('latin1'); });
    stream.on('end', () => {
      const id = /^Message-ID:\s*(<[^>]+>)/im.exec(head)?.[1] ?? '';
      if (seen.has(id)) twice++;
      seen.add(id);
      callback(null);
    });
  },
});
server.on('error', () => {}); // sessions that end with their peer
server.listen(0, '127.0.0.1', () => tell({ port: (server.server.address() as AddressInfo).port }));
process.on('message', () => {
  tell({ twice });
  twice = 0;
});
process.on('disconnect', () => process.exit(0));

function tell(reply: MailboxReply): void {
  process.send!(reply);
}
