import type { Gather } from './gather.js';
import type { NicPacket } from './packet-pool.js';
import { Opcode } from './wire/index.js';
import type { SendWqe } from './work-request.js';

/** Response packets of a READ that have come in. */
export function responsesReceived(wqe: SendWqe, pathMtu: number): number {
  return Math.floor(wqe.received / pathMtu);
}

/**
 * Puts what a response brings where the work request wants it, and notes how complete its answer is.
 * @returns false if the local page is missing (`gather` has raised a fault) or the local region is gone
 */
export function acceptResponse(wqe: SendWqe, packet: NicPacket, gather: Gather): boolean {
  const isAtomic = packet.opcode === Opcode.RC_ATOMIC_ACKNOWLEDGE;
  const bytes = isAtomic ? littleEndian(packet.originalData) : packet.payload;
  const offset = isAtomic ? 0 : packet.payloadOffset;
  const length = isAtomic ? 8 : packet.payloadLength;
  if (bytes !== null && length > 0) {
    const to = wqe.localAddress + wqe.received;
    if (wqe.mkey !== null && !gather.store(wqe.mkey, to, bytes, offset, length)) return false;
    wqe.bytes?.set(bytes.subarray(offset, offset + length), wqe.bytesOffset + wqe.received);
  }
  wqe.received += length;
  wqe.responded = wqe.opcode !== 'RDMA_READ' || wqe.received >= wqe.length;
  return true;
}

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}
