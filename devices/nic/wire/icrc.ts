import { crc32 } from 'node:zlib';
import { u32le } from './bytes.js';
import { BTH_BYTES, Opcode, OPCODE_HEADER_BYTES } from './opcode.js';

export const ICRC_BYTES = 4;

/**
 * CRC-32 state after the eight bytes 0xff that stand in for the InfiniBand LRH, in the form `zlib.crc32` takes as its
 * previous value (rxe writes the same state uncomplemented: 0xdebb20e3).
 */
const SEED = 0x2144df1c;

/** How an ICRC compares: `valid-rxe-flush` is right by rxe's own rule for FLUSH and wrong by the standard's. */
export type IcrcVerdict = 'valid' | 'valid-rxe-flush' | 'wrong';

const SCRATCH_BYTES = 512;
/** Up to here one checksum over a copy is cheaper than a second call for the part that needs no mask. */
const COPY_WHOLE_BYTES = 192;

const scratch = new Uint8Array(SCRATCH_BYTES);
const views: Uint8Array[] = Array.from({ length: SCRATCH_BYTES + 1 }, (_, length) => scratch.subarray(0, length));

/**
 * The ICRC of the RoCEv2 packet whose IP header starts at `ip` and whose BTH starts at `bth`, over everything up to `end`,
 * where the ICRC itself is stored least significant byte first.
 *
 * An ordinary CRC-32 in which every field that a router may change counts as ones (IBTA annex A17): IPv4 TOS, TTL and
 * header checksum; IPv6 traffic class, flow label and hop limit; UDP checksum; BTH byte 4. The IPv4 identification and
 * flags are covered. IPv4 options and IPv6 extension headers are taken as they are.
 */
export function computeIcrc(bytes: Uint8Array, ip: number, bth: number, end: number): number {
  const headEnd = bth + BTH_BYTES;
  const whole = end - ip <= COPY_WHOLE_BYTES;
  const copied = (whole ? end : headEnd) - ip;
  const head = copied <= SCRATCH_BYTES ? views[copied] : new Uint8Array(copied);
  for (let i = 0; i < copied; i++) head[i] = bytes[ip + i]!;
  maskVariantFields(head, bth - ip);
  const crc = crc32(head, SEED);
  return whole ? crc : crc32(bytes.subarray(headEnd, end), crc);
}

function maskVariantFields(head: Uint8Array, bth: number): void {
  if (head[0] >>> 4 === 6) {
    head[0] |= 0x0f;
    head[1] = head[2] = head[3] = 0xff;
    head[7] = 0xff;
  } else {
    head[1] = 0xff;
    head[8] = 0xff;
    head[10] = head[11] = 0xff;
  }
  head[bth - 2] = head[bth - 1] = 0xff;
  head[bth + 4] = 0xff;
}

/**
 * The ICRC that Linux rxe puts on a FLUSH: its opcode table has no payload offset for it, so the transport headers from BTH
 * to RETH run through the CRC twice, masked and then raw.
 */
export function computeRxeFlushIcrc(bytes: Uint8Array, ip: number, bth: number, end: number): number {
  const headers = OPCODE_HEADER_BYTES[Opcode.RC_FLUSH];
  return crc32(bytes.subarray(bth, bth + headers), computeIcrc(bytes, ip, bth, end));
}

/** Compares the ICRC stored at `end` with the computed one; only for opcode 0x1c rxe's variant counts as well. */
export function checkIcrc(bytes: Uint8Array, ip: number, bth: number, end: number): IcrcVerdict {
  const stored = u32le(bytes, end);
  if (computeIcrc(bytes, ip, bth, end) === stored) return 'valid';
  if (bytes[bth] === Opcode.RC_FLUSH && computeRxeFlushIcrc(bytes, ip, bth, end) === stored) return 'valid-rxe-flush';
  return 'wrong';
}
