import type { NicPacket } from './packet-pool.js';
import { NakCode, OPCODE_FLAGS, OpcodeFlag } from './wire/index.js';

/** The message of several packets that is being received; null between messages. */
export type OpenMessage = 'SEND' | 'WRITE' | null;

/**
 * Whether a request packet may follow what came before (IBTA 9.7.4.1.1, table 36; C9-60 for its length): a message begins
 * only where none is open and goes on only where one of its kind is, and all packets but its last are full.
 *
 * @returns null, or the code of the NAK
 */
export function checkSequence(open: OpenMessage, packet: NicPacket, pathMtu: number): number | null {
  const flags = OPCODE_FLAGS[packet.opcode];
  const starts = (flags & OpcodeFlag.STARTS) !== 0;
  if (starts !== (open === null)) return NakCode.INVALID_REQUEST;
  if (!starts && (flags & (open === 'SEND' ? OpcodeFlag.SEND : OpcodeFlag.RDMA_WRITE)) === 0) {
    return NakCode.INVALID_REQUEST;
  }
  const { payloadLength } = packet;
  if ((flags & OpcodeFlag.ENDS) === 0) return payloadLength === pathMtu ? null : NakCode.INVALID_REQUEST;
  if (payloadLength > pathMtu || (!starts && payloadLength === 0)) return NakCode.INVALID_REQUEST;
  return null;
}
