/** Cuts what comes from the socket into packets. Never waits for, and never reserves, more than the longest honest packet. */
import { HEADER_OCTETS, MalformedPdu, PDU_OCTETS_MAX } from './pdu.js';

export class PduReader {
  private left: Buffer[] = [];
  private octets = 0;
  /** Of the packet that is being waited for; its header while that is not complete. */
  private wanted = HEADER_OCTETS;

  /** The packets that are complete by now. Throws MalformedPdu: nothing that follows can be read. */
  *push(chunk: Buffer): Generator<Buffer> {
    this.left.push(chunk);
    this.octets += chunk.length;
    if (this.octets < this.wanted) return;
    let bytes = this.left.length === 1 ? chunk : Buffer.concat(this.left);
    while (bytes.length >= 4) {
      const length = bytes.readUInt32BE(0);
      if (length < HEADER_OCTETS || length > PDU_OCTETS_MAX) throw new MalformedPdu(`a packet of ${length} octets`);
      this.wanted = length;
      if (bytes.length < length) break;
      yield bytes.subarray(0, length);
      bytes = bytes.subarray(length);
      this.wanted = HEADER_OCTETS;
    }
    this.left = bytes.length > 0 ? [bytes] : [];
    this.octets = bytes.length;
  }
}
