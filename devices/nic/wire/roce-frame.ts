import { u16 } from './bytes.js';
import { formatAddress } from './address.js';
import { ICRC_BYTES } from './icrc.js';
import { LinkType } from './link-type.js';

export const ROCE_V2_UDP_PORT = 4791;

/**
 * What a frame turned out to be. `roce` means that {@link RoceFrame} is filled in; everything else is the reason why it
 * is not RoCEv2 or cannot be read as such:
 * - `not-ip`, `not-udp-4791`: other traffic;
 * - `roce-v1`: EtherType 0x8915, a GRH instead of IP and UDP;
 * - `fragment`: a piece of an IP datagram (RoCEv2 must not be fragmented, and the ICRC spans the whole);
 * - `truncated-headers`: the capture cut the frame before the end of the UDP header;
 * - `bad-length`: a header whose length field contradicts the one around it.
 */
export type FrameVerdict =
  'roce' | 'not-ip' | 'not-udp-4791' | 'roce-v1' | 'fragment' | 'truncated-headers' | 'bad-length';

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_ROCE_V1 = 0x8915;
const VLAN_ETHERTYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);

const PROTOCOL_HOP_BY_HOP = 0;
const PROTOCOL_UDP = 17;
const PROTOCOL_ROUTING = 43;
const PROTOCOL_FRAGMENT = 44;
const PROTOCOL_DESTINATION_OPTIONS = 60;

const UDP_BYTES = 8;
/** ERF record types that hold an Ethernet frame behind two bytes of offset and pad. */
const ERF_ETHERNET_TYPES: ReadonlySet<number> = new Set([2, 11, 16, 20]);

/**
 * Where the layers of one captured frame lie. Offsets count in the buffer the frame was parsed from; one object serves
 * for a whole capture.
 */
export class RoceFrame {
  ipVersion = 0;
  /** 802.1Q and 802.1ad tags in front of the IP header. */
  vlanTags = 0;
  ipOffset = 0;
  /** UDP source port: rxe and NICs derive it from the queue pair, so that ECMP spreads flows. */
  sourcePort = 0;
  bthOffset = 0;
  /** Where the lengths in the IP and UDP headers put the ICRC; what follows it (Ethernet padding, FCS) does not count. */
  icrcOffset = 0;
  /** End of the bytes the capture holds of this datagram. */
  capturedEnd = 0;

  /** True when the capture cut the datagram short: headers may be there, but the ICRC cannot be checked. */
  get truncated(): boolean {
    return this.capturedEnd < this.icrcOffset + ICRC_BYTES;
  }

  /** Bytes per address: 4 or 16. */
  get addressBytes(): 4 | 16 {
    return this.ipVersion === 4 ? 4 : 16;
  }

  get sourceOffset(): number {
    return this.ipOffset + (this.ipVersion === 4 ? 12 : 8);
  }

  get destinationOffset(): number {
    return this.ipOffset + (this.ipVersion === 4 ? 16 : 24);
  }

  source(bytes: Uint8Array): string {
    return formatAddress(bytes, this.sourceOffset, this.addressBytes);
  }

  destination(bytes: Uint8Array): string {
    return formatAddress(bytes, this.destinationOffset, this.addressBytes);
  }

  /** Finds the RoCEv2 packet in the frame at `bytes[start, end)` of a capture with this link type. */
  parse(bytes: Uint8Array, start: number, end: number, linkType: number): FrameVerdict {
    this.vlanTags = 0;
    switch (linkType) {
      case LinkType.ETHERNET:
        return this.parseEtherType(bytes, start + 12, end);
      case LinkType.LINUX_SLL:
        return this.parseEtherType(bytes, start + 14, end);
      case LinkType.LINUX_SLL2:
        return this.parseSll2(bytes, start, end);
      case LinkType.ERF:
        return this.parseErf(bytes, start, end);
      default:
        return this.parseIp(bytes, start, end);
    }
  }

  private parseSll2(bytes: Uint8Array, start: number, end: number): FrameVerdict {
    const header = 20;
    if (end - start < header) return 'truncated-headers';
    return this.parseNetwork(bytes, start + header, end, u16(bytes, start));
  }

  private parseErf(bytes: Uint8Array, start: number, end: number): FrameVerdict {
    let at = start + 16;
    if (at > end) return 'truncated-headers';
    const type = bytes[start + 8];
    let more = (type & 0x80) !== 0;
    while (more) {
      if (at + 8 > end) return 'truncated-headers';
      more = (bytes[at] & 0x80) !== 0;
      at += 8;
    }
    if (!ERF_ETHERNET_TYPES.has(type & 0x7f)) return 'not-ip';
    return this.parseEtherType(bytes, at + 2 + 12, end);
  }

  private parseEtherType(bytes: Uint8Array, typeAt: number, end: number): FrameVerdict {
    let at = typeAt;
    for (;;) {
      if (at + 2 > end) return 'truncated-headers';
      const etherType = u16(bytes, at);
      if (!VLAN_ETHERTYPES.has(etherType)) return this.parseNetwork(bytes, at + 2, end, etherType);
      this.vlanTags++;
      at += 4;
    }
  }

  private parseNetwork(bytes: Uint8Array, at: number, end: number, etherType: number): FrameVerdict {
    if (etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6) return this.parseIp(bytes, at, end);
    return etherType === ETHERTYPE_ROCE_V1 ? 'roce-v1' : 'not-ip';
  }

  private parseIp(bytes: Uint8Array, at: number, end: number): FrameVerdict {
    if (at >= end) return 'truncated-headers';
    this.ipOffset = at;
    this.ipVersion = bytes[at] >>> 4;
    if (this.ipVersion === 4) return this.parseIpv4(bytes, at, end);
    return this.ipVersion === 6 ? this.parseIpv6(bytes, at, end) : 'not-ip';
  }

  private parseIpv4(bytes: Uint8Array, at: number, end: number): FrameVerdict {
    if (at + 20 > end) return 'truncated-headers';
    const headerBytes = (bytes[at] & 0x0f) * 4;
    const totalLength = u16(bytes, at + 2);
    if (headerBytes < 20 || totalLength < headerBytes) return 'bad-length';
    if (bytes[at + 9] !== PROTOCOL_UDP) return 'not-udp-4791';
    if ((u16(bytes, at + 6) & 0x3fff) !== 0) return 'fragment';
    return this.parseUdp(bytes, at + headerBytes, end, at + totalLength);
  }

  private parseIpv6(bytes: Uint8Array, ip: number, end: number): FrameVerdict {
    if (ip + 40 > end) return 'truncated-headers';
    const ipEnd = ip + 40 + u16(bytes, ip + 4);
    let next = bytes[ip + 6];
    let at = ip + 40;
    while (next === PROTOCOL_HOP_BY_HOP || next === PROTOCOL_ROUTING || next === PROTOCOL_DESTINATION_OPTIONS) {
      if (at + 8 > end) return 'truncated-headers';
      next = bytes[at]!;
      at += (bytes[at + 1] + 1) * 8;
    }
    if (next === PROTOCOL_FRAGMENT) return 'fragment';
    return next === PROTOCOL_UDP ? this.parseUdp(bytes, at, end, ipEnd) : 'not-udp-4791';
  }

  private parseUdp(bytes: Uint8Array, at: number, end: number, ipEnd: number): FrameVerdict {
    if (at + UDP_BYTES > ipEnd) return 'bad-length';
    if (at + UDP_BYTES > end) return 'truncated-headers';
    if (u16(bytes, at + 2) !== ROCE_V2_UDP_PORT) return 'not-udp-4791';
    const udpEnd = at + u16(bytes, at + 4);
    if (udpEnd > ipEnd || udpEnd < at + UDP_BYTES + ICRC_BYTES) return 'bad-length';
    this.sourcePort = u16(bytes, at);
    this.bthOffset = at + UDP_BYTES;
    this.icrcOffset = udpEnd - ICRC_BYTES;
    this.capturedEnd = udpEnd < end ? udpEnd : end;
    return 'roce';
  }
}
