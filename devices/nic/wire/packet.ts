import { BTH_BYTES, OPCODE_HEADER_BYTES } from './opcode.js';

/**
 * One RoCEv2 transport packet: BTH, extension headers and a view of its payload.
 *
 * The codec fills it, and the emulated NIC passes the same object between its queues; hence one class whose fields are all
 * set in the constructor (one hidden class) and {@link reset} for pooling. Which extension fields mean anything follows
 * from `opcode`; the others keep their reset values. Addresses are two 32-bit halves: lossless without BigInt.
 */
export class Packet {
  /** BTH opcode byte with the transport bits, see `Opcode`. */
  opcode = 0;
  solicitedEvent = false;
  /** ConnectX sends 1, rxe 0; both accept either. */
  migReq = false;
  /** Zero bytes after the payload, 0–3; inside the ICRC, outside `payloadLength`. */
  padCount = 0;
  transportVersion = 0;
  pKey = 0xffff;
  fecn = false;
  becn = false;
  /** 24 bits. */
  destQp = 0;
  ackReq = false;
  /** 24 bits. */
  psn = 0;

  /** RETH, AtomicETH: virtual address, high and low half (uint32 each). */
  vaHi = 0;
  vaLo = 0;
  /** RETH, AtomicETH. */
  rKey = 0;
  /** RETH: bytes of the whole operation, not of this packet (uint32). */
  dmaLength = 0;
  /** AtomicETH: the value to swap in or to add. */
  swapOrAdd = 0n;
  /** AtomicETH: the value to compare with. */
  compare = 0n;
  /** AETH syndrome, see `aethKind`. */
  syndrome = 0;
  /** AETH message sequence number, 24 bits. */
  msn = 0;
  /** AtomicAckETH: the value before the operation. */
  originalData = 0n;
  /** ImmDt, as a network-order number (uint32). */
  immediate = 0;
  /** IETH: the rkey that the receiver invalidates. */
  invalidateRKey = 0;
  /** DETH. */
  qKey = 0;
  /** DETH, 24 bits. */
  sourceQp = 0;
  /** FETH placement: bit 0 global visibility, bit 1 persistence. */
  placement = 0;
  /** FETH selectivity: 0 the range in the RETH, 1 the whole memory region. */
  selectivity = 0;

  /** The bytes that hold the payload, never a copy; null when there is no payload. */
  payload: Uint8Array | null = null;
  payloadOffset = 0;
  payloadLength = 0;

  /** Back to the state of a new packet, so that it can be used again. */
  reset(): this {
    this.opcode = 0;
    this.solicitedEvent = false;
    this.migReq = false;
    this.padCount = 0;
    this.transportVersion = 0;
    this.pKey = 0xffff;
    this.fecn = false;
    this.becn = false;
    this.destQp = 0;
    this.ackReq = false;
    this.psn = 0;
    this.vaHi = 0;
    this.vaLo = 0;
    this.rKey = 0;
    this.dmaLength = 0;
    this.swapOrAdd = 0n;
    this.compare = 0n;
    this.syndrome = 0;
    this.msn = 0;
    this.originalData = 0n;
    this.immediate = 0;
    this.invalidateRKey = 0;
    this.qKey = 0;
    this.sourceQp = 0;
    this.placement = 0;
    this.selectivity = 0;
    this.payload = null;
    this.payloadOffset = 0;
    this.payloadLength = 0;
    return this;
  }

  /** Takes over every field of `other`; the payload stays where it is. */
  copyFrom(other: Packet): this {
    this.opcode = other.opcode;
    this.solicitedEvent = other.solicitedEvent;
    this.migReq = other.migReq;
    this.padCount = other.padCount;
    this.transportVersion = other.transportVersion;
    this.pKey = other.pKey;
    this.fecn = other.fecn;
    this.becn = other.becn;
    this.destQp = other.destQp;
    this.ackReq = other.ackReq;
    this.psn = other.psn;
    this.vaHi = other.vaHi;
    this.vaLo = other.vaLo;
    this.rKey = other.rKey;
    this.dmaLength = other.dmaLength;
    this.swapOrAdd = other.swapOrAdd;
    this.compare = other.compare;
    this.syndrome = other.syndrome;
    this.msn = other.msn;
    this.originalData = other.originalData;
    this.immediate = other.immediate;
    this.invalidateRKey = other.invalidateRKey;
    this.qKey = other.qKey;
    this.sourceQp = other.sourceQp;
    this.placement = other.placement;
    this.selectivity = other.selectivity;
    this.payload = other.payload;
    this.payloadOffset = other.payloadOffset;
    this.payloadLength = other.payloadLength;
    return this;
  }

  /** Points at `length` bytes of `bytes` and sets `padCount` to fit; nothing is copied. */
  setPayload(bytes: Uint8Array, offset = 0, length = bytes.length - offset): this {
    if (offset < 0 || length < 0 || offset + length > bytes.length) {
      throw new RangeError(
        `Packet payload must lie inside its ${bytes.length} bytes: got offset ${offset}, length ${length}`,
      );
    }
    this.payload = length === 0 ? null : bytes;
    this.payloadOffset = length === 0 ? 0 : offset;
    this.payloadLength = length;
    this.padCount = -length & 3;
    return this;
  }

  /** The address of RETH or AtomicETH as one number, for the edges where a BigInt costs nothing. */
  get virtualAddress(): bigint {
    return (BigInt(this.vaHi) << 32n) | BigInt(this.vaLo);
  }

  set virtualAddress(address: bigint) {
    if (address < 0n || address > 0xffff_ffff_ffff_ffffn) {
      throw new RangeError(`Packet.virtualAddress must be 0 … 2^64−1: got ${address}`);
    }
    this.vaHi = Number(address >> 32n);
    this.vaLo = Number(address & 0xffff_ffffn);
  }

  /** Bytes from BTH to the end of the pad, without the ICRC. */
  get wireBytes(): number {
    return (OPCODE_HEADER_BYTES[this.opcode] || BTH_BYTES) + this.payloadLength + this.padCount;
  }
}
