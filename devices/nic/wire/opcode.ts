/** The BTH opcode byte: transport in bits 7–5, operation in bits 4–0 (IBTA table 38; FLUSH and ATOMIC WRITE: annex A19). */
export const Opcode = {
  RC_SEND_FIRST: 0x00,
  RC_SEND_MIDDLE: 0x01,
  RC_SEND_LAST: 0x02,
  RC_SEND_LAST_WITH_IMMEDIATE: 0x03,
  RC_SEND_ONLY: 0x04,
  RC_SEND_ONLY_WITH_IMMEDIATE: 0x05,
  RC_RDMA_WRITE_FIRST: 0x06,
  RC_RDMA_WRITE_MIDDLE: 0x07,
  RC_RDMA_WRITE_LAST: 0x08,
  RC_RDMA_WRITE_LAST_WITH_IMMEDIATE: 0x09,
  RC_RDMA_WRITE_ONLY: 0x0a,
  RC_RDMA_WRITE_ONLY_WITH_IMMEDIATE: 0x0b,
  RC_RDMA_READ_REQUEST: 0x0c,
  RC_RDMA_READ_RESPONSE_FIRST: 0x0d,
  RC_RDMA_READ_RESPONSE_MIDDLE: 0x0e,
  RC_RDMA_READ_RESPONSE_LAST: 0x0f,
  RC_RDMA_READ_RESPONSE_ONLY: 0x10,
  RC_ACKNOWLEDGE: 0x11,
  RC_ATOMIC_ACKNOWLEDGE: 0x12,
  RC_CMP_SWAP: 0x13,
  RC_FETCH_ADD: 0x14,
  RC_SEND_LAST_WITH_INVALIDATE: 0x16,
  RC_SEND_ONLY_WITH_INVALIDATE: 0x17,
  RC_FLUSH: 0x1c,
  RC_ATOMIC_WRITE: 0x1d,
  UC_SEND_FIRST: 0x20,
  UC_SEND_MIDDLE: 0x21,
  UC_SEND_LAST: 0x22,
  UC_SEND_LAST_WITH_IMMEDIATE: 0x23,
  UC_SEND_ONLY: 0x24,
  UC_SEND_ONLY_WITH_IMMEDIATE: 0x25,
  UC_RDMA_WRITE_FIRST: 0x26,
  UC_RDMA_WRITE_MIDDLE: 0x27,
  UC_RDMA_WRITE_LAST: 0x28,
  UC_RDMA_WRITE_LAST_WITH_IMMEDIATE: 0x29,
  UC_RDMA_WRITE_ONLY: 0x2a,
  UC_RDMA_WRITE_ONLY_WITH_IMMEDIATE: 0x2b,
  UD_SEND_ONLY: 0x64,
  UD_SEND_ONLY_WITH_IMMEDIATE: 0x65,
  CNP: 0x81,
} as const;

/**
 * Facts about an opcode, one bit each, so that a predicate is one table load and one AND.
 * FIRST and ONLY packets start a message, LAST and ONLY packets end it.
 */
export const OpcodeFlag = {
  REQUEST: 1 << 0,
  RESPONSE: 1 << 1,
  STARTS: 1 << 2,
  ENDS: 1 << 3,
  SEND: 1 << 4,
  RDMA_WRITE: 1 << 5,
  RDMA_READ: 1 << 6,
  ATOMIC: 1 << 7,
  FLUSH: 1 << 8,
  ATOMIC_WRITE: 1 << 9,
  PAYLOAD: 1 << 10,
  DETH: 1 << 11,
  FETH: 1 << 12,
  RETH: 1 << 13,
  ATOMIC_ETH: 1 << 14,
  AETH: 1 << 15,
  ATOMIC_ACK_ETH: 1 << 16,
  IMMDT: 1 << 17,
  IETH: 1 << 18,
} as const;

/** Opcode → {@link OpcodeFlag}s; 0 for an opcode that is reserved or not modelled. */
export const OPCODE_FLAGS = new Uint32Array(256);

/** Opcode → bytes of BTH and extension headers in front of the payload; 0 where {@link OPCODE_FLAGS} is 0. */
export const OPCODE_HEADER_BYTES = new Uint8Array(256);

const NAMES: (string | undefined)[] = new Array<string | undefined>(256).fill(undefined);

export const BTH_BYTES = 12;
const EXTENSION_BYTES: readonly (readonly [flag: number, bytes: number])[] = [
  [OpcodeFlag.DETH, 8],
  [OpcodeFlag.FETH, 4],
  [OpcodeFlag.RETH, 16],
  [OpcodeFlag.ATOMIC_ETH, 28],
  [OpcodeFlag.AETH, 4],
  [OpcodeFlag.ATOMIC_ACK_ETH, 8],
  [OpcodeFlag.IMMDT, 4],
  [OpcodeFlag.IETH, 4],
];

function define(opcode: number, name: string, flags: number): void {
  OPCODE_FLAGS[opcode] = flags;
  NAMES[opcode] = name;
  OPCODE_HEADER_BYTES[opcode] = EXTENSION_BYTES.reduce((sum, [flag, n]) => (flags & flag ? sum + n : sum), BTH_BYTES);
}

{
  const F = OpcodeFlag;
  const send = F.REQUEST | F.SEND | F.PAYLOAD;
  const write = F.REQUEST | F.RDMA_WRITE | F.PAYLOAD;
  const whole = F.STARTS | F.ENDS;
  for (const [base, transport] of [
    [0x00, 'RC'],
    [0x20, 'UC'],
  ] as const) {
    define(base | 0x00, `${transport} SEND First`, send | F.STARTS);
    define(base | 0x01, `${transport} SEND Middle`, send);
    define(base | 0x02, `${transport} SEND Last`, send | F.ENDS);
    define(base | 0x03, `${transport} SEND Last with Immediate`, send | F.ENDS | F.IMMDT);
    define(base | 0x04, `${transport} SEND Only`, send | whole);
    define(base | 0x05, `${transport} SEND Only with Immediate`, send | whole | F.IMMDT);
    define(base | 0x06, `${transport} RDMA WRITE First`, write | F.STARTS | F.RETH);
    define(base | 0x07, `${transport} RDMA WRITE Middle`, write);
    define(base | 0x08, `${transport} RDMA WRITE Last`, write | F.ENDS);
    define(base | 0x09, `${transport} RDMA WRITE Last with Immediate`, write | F.ENDS | F.IMMDT);
    define(base | 0x0a, `${transport} RDMA WRITE Only`, write | whole | F.RETH);
    define(base | 0x0b, `${transport} RDMA WRITE Only with Immediate`, write | whole | F.RETH | F.IMMDT);
  }
  const read = F.RESPONSE | F.RDMA_READ | F.PAYLOAD;
  define(Opcode.RC_RDMA_READ_REQUEST, 'RC RDMA READ Request', F.REQUEST | F.RDMA_READ | whole | F.RETH);
  define(Opcode.RC_RDMA_READ_RESPONSE_FIRST, 'RC RDMA READ Response First', read | F.STARTS | F.AETH);
  define(Opcode.RC_RDMA_READ_RESPONSE_MIDDLE, 'RC RDMA READ Response Middle', read);
  define(Opcode.RC_RDMA_READ_RESPONSE_LAST, 'RC RDMA READ Response Last', read | F.ENDS | F.AETH);
  define(Opcode.RC_RDMA_READ_RESPONSE_ONLY, 'RC RDMA READ Response Only', read | whole | F.AETH);
  define(Opcode.RC_ACKNOWLEDGE, 'RC Acknowledge', F.RESPONSE | whole | F.AETH);
  const atomicAck = F.RESPONSE | F.ATOMIC | whole | F.AETH | F.ATOMIC_ACK_ETH;
  define(Opcode.RC_ATOMIC_ACKNOWLEDGE, 'RC ATOMIC Acknowledge', atomicAck);
  const atomic = F.REQUEST | F.ATOMIC | whole | F.ATOMIC_ETH;
  define(Opcode.RC_CMP_SWAP, 'RC CmpSwap', atomic);
  define(Opcode.RC_FETCH_ADD, 'RC FetchAdd', atomic);
  define(Opcode.RC_SEND_LAST_WITH_INVALIDATE, 'RC SEND Last with Invalidate', send | F.ENDS | F.IETH);
  define(Opcode.RC_SEND_ONLY_WITH_INVALIDATE, 'RC SEND Only with Invalidate', send | whole | F.IETH);
  define(Opcode.RC_FLUSH, 'RC FLUSH', F.REQUEST | F.FLUSH | whole | F.FETH | F.RETH);
  define(Opcode.RC_ATOMIC_WRITE, 'RC ATOMIC WRITE', F.REQUEST | F.ATOMIC_WRITE | F.PAYLOAD | whole | F.RETH);
  define(Opcode.UD_SEND_ONLY, 'UD SEND Only', send | whole | F.DETH);
  define(Opcode.UD_SEND_ONLY_WITH_IMMEDIATE, 'UD SEND Only with Immediate', send | whole | F.DETH | F.IMMDT);
  define(Opcode.CNP, 'CNP', F.PAYLOAD | whole);
}

const TRANSPORTS = ['RC', 'UC', 'RD', 'UD', 'CNP', 'XRC', 'reserved', 'manufacturer'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** The transport service an opcode belongs to, whether or not the operation itself is known. */
export function transportOf(opcode: number): Transport {
  return TRANSPORTS[(opcode >>> 5) & 7];
}

/** True when `opcode` has any of the {@link OpcodeFlag}s `flags`. */
export function opcodeHas(opcode: number, flags: number): boolean {
  return (OPCODE_FLAGS[opcode] & flags) !== 0;
}

export function isKnownOpcode(opcode: number): boolean {
  return OPCODE_FLAGS[opcode] !== 0;
}

/** The name IBTA gives it, led by the transport: `RC RDMA WRITE First`; `RC opcode 0x15` for a reserved one. */
export function opcodeName(opcode: number): string {
  return NAMES[opcode] ?? `${transportOf(opcode)} opcode 0x${opcode.toString(16).padStart(2, '0')}`;
}
