import type { Gather } from './gather.js';
import type { NicPacket } from './packet-pool.js';
import { Opcode } from './wire/index.js';
import type { SendWqe } from './work-request.js';

/** True if a response is of the kind that its request asks for, and of the length that is due. */
export function isResponseTo(wqe: SendWqe, packet: NicPacket, pathMtu: number): boolean {
  const isAtomic = packet.opcode === Opcode.RC_ATOMIC_ACKNOWLEDGE;
  if (isAtomic !== (wqe.bringsData && wqe.opcode !== 'RDMA_READ')) return false;
  return packet.payloadLength === (wqe.opcode === 'RDMA_READ' ? Math.min(pathMtu, wqe.length - wqe.received) : 0);
}

/**
 * Puts what a response brings where the work request wants it.
 * @returns false if the local page is missing (`gather` has raised a fault) or the local region is gone
 */
export function acceptResponse(wqe: SendWqe, packet: NicPacket, gather: Gather): boolean {
  const isAtomic = packet.opcode === Opcode.RC_ATOMIC_ACKNOWLEDGE;
  const bytes = isAtomic ? littleEndian(packet.originalData) : packet.payload;
  const offset = isAtomic ? 0 : packet.payloadOffset;
  const length = isAtomic ? 8 : packet.payloadLength;
  if (bytes !== null && length > 0) {
    if (wqe.mkey !== null && !gather.store(wqe, wqe.mkey, wqe.localAddress + wqe.received, bytes, offset, length)) {
      return false;
    }
    wqe.bytes?.set(bytes.subarray(offset, offset + length), wqe.bytesOffset + wqe.received);
  }
  wqe.received += length;
  wqe.answered++;
  return true;
}

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}
