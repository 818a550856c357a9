import { putU16, putU24, putU32le, u16 } from './bytes.js';
import { computeIcrc, ICRC_BYTES } from './icrc.js';
import type { Packet } from './packet.js';
import { encodePacket } from './packet-codec.js';
import { ROCE_V2_UDP_PORT } from './roce-frame.js';

/** A tag between the MAC addresses and the EtherType: 802.1Q unless `etherType` says otherwise. */
export interface VlanTag {
  /** Priority, drop eligibility and VLAN id, 16 bits. */
  readonly tci: number;
  readonly etherType?: number;
}

/** Everything in front of the BTH. What is left out takes the value rxe sends. */
export interface FramePath {
  /** 6 bytes each. */
  readonly sourceMac: Uint8Array;
  readonly destinationMac: Uint8Array;
  readonly vlanTags?: readonly VlanTag[];
  /** 4 or 16 bytes each, see `parseAddress`. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** 0xc000 | a hash of the queue pair, by custom. */
  readonly sourcePort: number;
  /** IPv4 TOS or IPv6 traffic class: DSCP and ECN. Default 0. */
  readonly trafficClass?: number;
  /** TTL or hop limit. Default 64. */
  readonly hopLimit?: number;
  /** IPv4 identification. Default 0. */
  readonly identification?: number;
  /** IPv6 flow label, 20 bits. Default 0. */
  readonly flowLabel?: number;
}

const UDP_BYTES = 8;
const DONT_FRAGMENT = 0x4000;

/** Bytes of the Ethernet frame that {@link encodeFrame} writes, without padding and FCS. */
export function frameBytes(path: FramePath, packet: Packet): number {
  return linkBytes(path) + ipBytes(path) + UDP_BYTES + packet.wireBytes + ICRC_BYTES;
}

/**
 * Writes Ethernet, IP, UDP, `packet` and its ICRC at `out[offset…]` and returns the offset behind the ICRC.
 * DF is set and the UDP checksum is 0, as rxe and NICs send it.
 * @throws RangeError when the addresses differ in family, a packet field does not fit, or `out` is too small.
 */
export function encodeFrame(path: FramePath, packet: Packet, out: Uint8Array, offset = 0): number {
  const ip = offset + linkBytes(path);
  const udp = ip + ipBytes(path);
  const bth = udp + UDP_BYTES;
  const needed = frameBytes(path, packet);
  if (offset + needed > out.length) {
    throw new RangeError(`encodeFrame needs ${needed} bytes at ${offset}: the buffer has ${out.length}`);
  }
  const icrc = encodePacket(packet, out, bth);
  const end = icrc + ICRC_BYTES;
  putLink(path, out, offset);
  if (path.source.length === 4) putIpv4(path, out, ip, end);
  else putIpv6(path, out, ip, end);
  putU16(out, udp, path.sourcePort);
  putU16(out, udp + 2, ROCE_V2_UDP_PORT);
  putU16(out, udp + 4, end - udp);
  putU16(out, udp + 6, 0);
  putU32le(out, icrc, computeIcrc(out, ip, bth, icrc));
  return end;
}

function linkBytes(path: FramePath): number {
  return 14 + 4 * (path.vlanTags?.length ?? 0);
}

function ipBytes(path: FramePath): number {
  const { source, destination } = path;
  if (source.length !== destination.length || (source.length !== 4 && source.length !== 16)) {
    throw new RangeError(
      `FramePath addresses must both have 4 or both 16 bytes: got ${source.length} and ${destination.length}`,
    );
  }
  return source.length === 4 ? 20 : 40;
}

function putLink(path: FramePath, out: Uint8Array, offset: number): void {
  out.set(path.destinationMac, offset);
  out.set(path.sourceMac, offset + 6);
  let at = offset + 12;
  for (const tag of path.vlanTags ?? []) {
    putU16(out, at, tag.etherType ?? 0x8100);
    putU16(out, at + 2, tag.tci);
    at += 4;
  }
  putU16(out, at, path.source.length === 4 ? 0x0800 : 0x86dd);
}

function putIpv4(path: FramePath, out: Uint8Array, ip: number, end: number): void {
  out[ip] = 0x45;
  out[ip + 1] = path.trafficClass ?? 0;
  putU16(out, ip + 2, end - ip);
  putU16(out, ip + 4, path.identification ?? 0);
  putU16(out, ip + 6, DONT_FRAGMENT);
  out[ip + 8] = path.hopLimit ?? 64;
  out[ip + 9] = 17;
  putU16(out, ip + 10, 0);
  out.set(path.source, ip + 12);
  out.set(path.destination, ip + 16);
  putU16(out, ip + 10, internetChecksum(out, ip, 20));
}

function putIpv6(path: FramePath, out: Uint8Array, ip: number, end: number): void {
  const trafficClass = path.trafficClass ?? 0;
  const flowLabel = path.flowLabel ?? 0;
  out[ip] = 0x60 | (trafficClass >>> 4);
  putU24(out, ip + 1, ((trafficClass & 0x0f) << 20) | flowLabel);
  putU16(out, ip + 4, end - ip - 40);
  out[ip + 6] = 17;
  out[ip + 7] = path.hopLimit ?? 64;
  out.set(path.source, ip + 8);
  out.set(path.destination, ip + 24);
}

function internetChecksum(bytes: Uint8Array, at: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i += 2) sum += u16(bytes, at + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
