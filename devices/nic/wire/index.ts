/**
 * RoCEv2 on the wire: packets, opcodes, PSN arithmetic, ICRC, and the frame layers around them.
 *
 * Pure functions over byte arrays. No sockets, no files, no time, no knowledge of queue pairs or memory: the emulated NIC
 * (`devices/nic`) and the capture reader (`src/lab/capture`) both build on it.
 */
export {
  ackSyndrome,
  aethKind,
  aethValue,
  creditCodeFor,
  creditsOf,
  describeSyndrome,
  NakCode,
  nakSyndrome,
  rnrNakSyndrome,
  UNLIMITED_CREDITS,
} from './aeth-syndrome.js';
export { formatAddress, parseAddress } from './address.js';
export { u16, u24, u32 } from './bytes.js';
export { encodeFrame, frameBytes } from './encode-frame.js';
export type { FramePath } from './encode-frame.js';
export { checkIcrc, computeIcrc, computeRxeFlushIcrc, ICRC_BYTES } from './icrc.js';
export { isSupportedLinkType, LinkType, linkTypeName } from './link-type.js';
export {
  BTH_BYTES,
  isKnownOpcode,
  Opcode,
  OPCODE_FLAGS,
  OPCODE_HEADER_BYTES,
  OpcodeFlag,
  opcodeHas,
  opcodeName,
  transportOf,
} from './opcode.js';
export { Packet } from './packet.js';
export { decodePacket, encodePacket } from './packet-codec.js';
export { PSN_MASK, psnAdd, psnCount, psnDistance, psnPrecedes } from './psn.js';
export { RNR_TIMER_NS, rnrTimerCode, rnrTimerNs } from './rnr-timer.js';
export { RoceFrame } from './roce-frame.js';
