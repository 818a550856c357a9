import { putU16, putU24, putU32, putU64, u16, u24, u32, u64 } from './bytes.js';
import { BTH_BYTES, OPCODE_FLAGS, OPCODE_HEADER_BYTES, OpcodeFlag } from './opcode.js';
import type { Packet } from './packet.js';
import { PSN_MASK } from './psn.js';

/**
 * What came of decoding:
 * - `ok`: every header is there and the packet is filled in;
 * - `truncated-headers`: the captured bytes end inside BTH or an extension header;
 * - `unknown-opcode`: the BTH is filled in, but what follows it is not known;
 * - `bad-length`: the declared length has no room for the headers and the pad.
 */
export type DecodeVerdict = 'ok' | 'truncated-headers' | 'unknown-opcode' | 'bad-length';

const F = OpcodeFlag;

/**
 * Decodes the packet at `bytes[offset, end)`, where `end` is the declared end before the ICRC.
 *
 * `capturedEnd` says how far the bytes are really there (a capture's snaplen): headers must be, payload need not, and
 * `payloadLength` is the declared one. The payload is a view into `bytes`. Reserved bits are ignored, as a receiver does.
 */
export function decodePacket(
  packet: Packet,
  bytes: Uint8Array,
  offset: number,
  end: number,
  capturedEnd: number = end,
): DecodeVerdict {
  packet.reset();
  if (end - offset < BTH_BYTES) return 'bad-length';
  if (capturedEnd - offset < BTH_BYTES) return 'truncated-headers';
  const opcode = bytes[offset];
  const flagByte = bytes[offset + 1];
  const congestion = bytes[offset + 4];
  packet.opcode = opcode;
  packet.solicitedEvent = (flagByte & 0x80) !== 0;
  packet.migReq = (flagByte & 0x40) !== 0;
  packet.padCount = (flagByte >>> 4) & 3;
  packet.transportVersion = flagByte & 0x0f;
  packet.pKey = u16(bytes, offset + 2);
  packet.fecn = (congestion & 0x80) !== 0;
  packet.becn = (congestion & 0x40) !== 0;
  packet.destQp = u24(bytes, offset + 5);
  packet.ackReq = (bytes[offset + 8] & 0x80) !== 0;
  packet.psn = u24(bytes, offset + 9);

  const flags = OPCODE_FLAGS[opcode];
  if (flags === 0) return 'unknown-opcode';
  const payloadAt = offset + OPCODE_HEADER_BYTES[opcode];
  const payloadLength = end - payloadAt - packet.padCount;
  if (payloadLength < 0) return 'bad-length';
  if (payloadAt > capturedEnd) return 'truncated-headers';
  decodeExtensions(packet, flags, bytes, offset + BTH_BYTES);
  if (payloadLength > 0) {
    packet.payload = bytes;
    packet.payloadOffset = payloadAt;
    packet.payloadLength = payloadLength;
  }
  return 'ok';
}

function decodeExtensions(packet: Packet, flags: number, bytes: Uint8Array, start: number): void {
  let at = start;
  if (flags & F.DETH) {
    packet.qKey = u32(bytes, at);
    packet.sourceQp = u24(bytes, at + 5);
    at += 8;
  }
  if (flags & F.FETH) {
    packet.placement = bytes[at + 3] & 0x0f;
    packet.selectivity = (bytes[at + 3] >>> 4) & 3;
    at += 4;
  }
  if (flags & (F.RETH | F.ATOMIC_ETH)) {
    packet.vaHi = u32(bytes, at);
    packet.vaLo = u32(bytes, at + 4);
    packet.rKey = u32(bytes, at + 8);
    if (flags & F.RETH) {
      packet.dmaLength = u32(bytes, at + 12);
      at += 16;
    } else {
      packet.swapOrAdd = u64(bytes, at + 12);
      packet.compare = u64(bytes, at + 20);
      at += 28;
    }
  }
  if (flags & F.AETH) {
    packet.syndrome = bytes[at]!;
    packet.msn = u24(bytes, at + 1);
    at += 4;
  }
  if (flags & F.ATOMIC_ACK_ETH) {
    packet.originalData = u64(bytes, at);
    at += 8;
  }
  if (flags & F.IMMDT) packet.immediate = u32(bytes, at);
  if (flags & F.IETH) packet.invalidateRKey = u32(bytes, at);
}

/**
 * Writes BTH, extension headers, payload and pad at `out[offset…]` and returns the offset behind them, where the ICRC
 * belongs. Reserved bits are written as zero.
 * @throws RangeError for an unknown opcode, a field wider than its header has room for, or an `out` that is too small.
 */
export function encodePacket(packet: Packet, out: Uint8Array, offset: number): number {
  const flags = OPCODE_FLAGS[packet.opcode];
  if (!flags) throw new RangeError(`Packet.opcode must be a known opcode: got 0x${packet.opcode.toString(16)}`);
  const end = offset + packet.wireBytes;
  if (end > out.length) {
    throw new RangeError(`encodePacket needs ${packet.wireBytes} bytes at ${offset}: the buffer has ${out.length}`);
  }
  limit('psn', packet.psn, PSN_MASK);
  limit('destQp', packet.destQp, 0xffffff);
  limit('pKey', packet.pKey, 0xffff);
  limit('padCount', packet.padCount, 3);
  limit('transportVersion', packet.transportVersion, 0x0f);

  out[offset] = packet.opcode;
  out[offset + 1] =
    (packet.solicitedEvent ? 0x80 : 0) | (packet.migReq ? 0x40 : 0) | (packet.padCount << 4) | packet.transportVersion;
  putU16(out, offset + 2, packet.pKey);
  out[offset + 4] = (packet.fecn ? 0x80 : 0) | (packet.becn ? 0x40 : 0);
  putU24(out, offset + 5, packet.destQp);
  out[offset + 8] = packet.ackReq ? 0x80 : 0;
  putU24(out, offset + 9, packet.psn);
  let at = encodeExtensions(packet, flags, out, offset + BTH_BYTES);

  const { payload, payloadOffset, payloadLength } = packet;
  if (payload !== null) {
    out.set(payload.subarray(payloadOffset, payloadOffset + payloadLength), at);
    at += payloadLength;
  } else if (payloadLength > 0) {
    throw new RangeError(`Packet.payload must hold the ${payloadLength} bytes of payloadLength: got null`);
  }
  while (at < end) out[at++] = 0;
  return end;
}

function encodeExtensions(packet: Packet, flags: number, out: Uint8Array, start: number): number {
  let at = start;
  if (flags & F.DETH) {
    limit('sourceQp', packet.sourceQp, 0xffffff);
    putU32(out, at, packet.qKey);
    out[at + 4] = 0;
    putU24(out, at + 5, packet.sourceQp);
    at += 8;
  }
  if (flags & F.FETH) {
    limit('placement', packet.placement, 0x0f);
    limit('selectivity', packet.selectivity, 3);
    putU32(out, at, (packet.selectivity << 4) | packet.placement);
    at += 4;
  }
  if (flags & (F.RETH | F.ATOMIC_ETH)) {
    putU32(out, at, packet.vaHi);
    putU32(out, at + 4, packet.vaLo);
    putU32(out, at + 8, packet.rKey);
    if (flags & F.RETH) {
      putU32(out, at + 12, packet.dmaLength);
      at += 16;
    } else {
      putU64(out, at + 12, packet.swapOrAdd);
      putU64(out, at + 20, packet.compare);
      at += 28;
    }
  }
  if (flags & F.AETH) {
    limit('syndrome', packet.syndrome, 0xff);
    limit('msn', packet.msn, 0xffffff);
    out[at] = packet.syndrome;
    putU24(out, at + 1, packet.msn);
    at += 4;
  }
  if (flags & F.ATOMIC_ACK_ETH) {
    putU64(out, at, packet.originalData);
    at += 8;
  }
  if (flags & F.IMMDT) {
    putU32(out, at, packet.immediate);
    at += 4;
  }
  if (flags & F.IETH) {
    putU32(out, at, packet.invalidateRKey);
    at += 4;
  }
  return at;
}

function limit(field: string, value: number, max: number): void {
  if (!(value >= 0 && value <= max)) {
    throw new RangeError(`Packet.${field} must be 0 … 0x${max.toString(16)}: got ${value}`);
  }
}
