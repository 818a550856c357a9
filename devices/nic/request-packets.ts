import type { NicPacket } from './packet-pool.js';
import { Opcode } from './wire/index.js';
import type { SendWqe } from './work-request.js';

const TWO_32 = 2 ** 32;

/**
 * Fills the packet number `index` of a request: opcode, extension headers and its part of the data. PSN and AckReq are
 * the caller's.
 *
 * @param gathered this packet's bytes if they came from a region; null if the request has them itself
 */
export function buildRequest(
  packet: NicPacket,
  wqe: SendWqe,
  index: number,
  pathMtu: number,
  gathered: Uint8Array | null,
): void {
  switch (wqe.opcode) {
    case 'SEND':
    case 'RDMA_WRITE':
      buildData(packet, wqe, index, pathMtu, gathered);
      return;
    case 'RDMA_READ': {
      // A READ that is sent again asks for what is still missing.
      const done = index * pathMtu;
      packet.opcode = Opcode.RC_RDMA_READ_REQUEST;
      setReth(packet, wqe, wqe.remoteAddress + done, wqe.length - done);
      return;
    }
    case 'ATOMIC_CMP_AND_SWP':
    case 'ATOMIC_FETCH_AND_ADD':
      packet.opcode = wqe.opcode === 'ATOMIC_CMP_AND_SWP' ? Opcode.RC_CMP_SWAP : Opcode.RC_FETCH_ADD;
      setReth(packet, wqe, wqe.remoteAddress, 8);
      packet.swapOrAdd = wqe.request.swapOrAdd ?? 0n;
      packet.compare = wqe.request.compare ?? 0n;
      return;
    case 'FLUSH':
      packet.opcode = Opcode.RC_FLUSH;
      setReth(packet, wqe, wqe.remoteAddress, wqe.length);
      packet.placement = wqe.request.placement ?? 1;
      packet.selectivity = wqe.request.selectivity ?? 0;
      return;
    case 'ATOMIC_WRITE':
      packet.opcode = Opcode.RC_ATOMIC_WRITE;
      setReth(packet, wqe, wqe.remoteAddress, 8);
      setData(packet, gathered ?? wqe.bytes, gathered === null ? wqe.bytesOffset : 0, 8);
  }
}

function buildData(packet: NicPacket, wqe: SendWqe, index: number, pathMtu: number, gathered: Uint8Array | null): void {
  const { request, packets } = wqe;
  const first = index === 0;
  const last = index === packets - 1;
  const isSend = wqe.opcode === 'SEND';
  if (first && !isSend) setReth(packet, wqe, wqe.remoteAddress, wqe.length);
  if (last && request.immediate !== undefined) packet.immediate = request.immediate;
  if (last && request.invalidateRkey !== undefined) packet.invalidateRKey = request.invalidateRkey;
  packet.opcode = isSend ? sendOpcode(wqe, first, last) : writeOpcode(wqe, first, last);
  const offset = index * pathMtu;
  const length = Math.min(pathMtu, wqe.length - offset);
  if (gathered !== null) setData(packet, gathered, 0, length);
  else setData(packet, wqe.bytes, wqe.bytesOffset + offset, length);
}

function sendOpcode(wqe: SendWqe, first: boolean, last: boolean): number {
  if (!last) return first ? Opcode.RC_SEND_FIRST : Opcode.RC_SEND_MIDDLE;
  if (wqe.request.invalidateRkey !== undefined) {
    return first ? Opcode.RC_SEND_ONLY_WITH_INVALIDATE : Opcode.RC_SEND_LAST_WITH_INVALIDATE;
  }
  if (wqe.request.immediate !== undefined) {
    return first ? Opcode.RC_SEND_ONLY_WITH_IMMEDIATE : Opcode.RC_SEND_LAST_WITH_IMMEDIATE;
  }
  return first ? Opcode.RC_SEND_ONLY : Opcode.RC_SEND_LAST;
}

function writeOpcode(wqe: SendWqe, first: boolean, last: boolean): number {
  if (!last) return first ? Opcode.RC_RDMA_WRITE_FIRST : Opcode.RC_RDMA_WRITE_MIDDLE;
  if (wqe.request.immediate !== undefined) {
    return first ? Opcode.RC_RDMA_WRITE_ONLY_WITH_IMMEDIATE : Opcode.RC_RDMA_WRITE_LAST_WITH_IMMEDIATE;
  }
  return first ? Opcode.RC_RDMA_WRITE_ONLY : Opcode.RC_RDMA_WRITE_LAST;
}

function setReth(packet: NicPacket, wqe: SendWqe, address: number, length: number): void {
  packet.vaHi = Math.floor(address / TWO_32);
  packet.vaLo = address % TWO_32;
  packet.rKey = wqe.request.rkey ?? 0;
  packet.dmaLength = length;
}

/** The packet's data; without bytes only its length travels. */
function setData(packet: NicPacket, bytes: Uint8Array | null, offset: number, length: number): void {
  packet.payload = length === 0 ? null : bytes;
  packet.payloadOffset = offset;
  packet.payloadLength = length;
  packet.padCount = -length & 3;
}

/** The address of a RETH or AtomicETH; not exact from 2^53 on, where no key reaches. */
export function addressOf(packet: NicPacket): number {
  return packet.vaHi * TWO_32 + packet.vaLo;
}
