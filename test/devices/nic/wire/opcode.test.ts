import {
  BTH_BYTES,
  isKnownOpcode,
  Opcode,
  OPCODE_HEADER_BYTES,
  OpcodeFlag as F,
  opcodeHas,
  opcodeName,
  transportOf,
} from '../../../../devices/nic/wire/index.js';

describe('the opcode table', () => {
  it('knows exactly the opcodes that have a name in Opcode', () => {
    const named = new Set<number>(Object.values(Opcode));
    for (let opcode = 0; opcode < 256; opcode++) expect(isKnownOpcode(opcode)).toBe(named.has(opcode));
  });

  it.each([
    [Opcode.RC_SEND_FIRST, 'RC SEND First', 12],
    [Opcode.RC_SEND_LAST_WITH_IMMEDIATE, 'RC SEND Last with Immediate', 16],
    [Opcode.RC_SEND_ONLY_WITH_INVALIDATE, 'RC SEND Only with Invalidate', 16],
    [Opcode.RC_RDMA_WRITE_FIRST, 'RC RDMA WRITE First', 28],
    [Opcode.RC_RDMA_WRITE_MIDDLE, 'RC RDMA WRITE Middle', 12],
    [Opcode.RC_RDMA_WRITE_LAST_WITH_IMMEDIATE, 'RC RDMA WRITE Last with Immediate', 16],
    [Opcode.RC_RDMA_WRITE_ONLY_WITH_IMMEDIATE, 'RC RDMA WRITE Only with Immediate', 32],
    [Opcode.RC_RDMA_READ_REQUEST, 'RC RDMA READ Request', 28],
    [Opcode.RC_RDMA_READ_RESPONSE_FIRST, 'RC RDMA READ Response First', 16],
    [Opcode.RC_RDMA_READ_RESPONSE_MIDDLE, 'RC RDMA READ Response Middle', 12],
    [Opcode.RC_ACKNOWLEDGE, 'RC Acknowledge', 16],
    [Opcode.RC_ATOMIC_ACKNOWLEDGE, 'RC ATOMIC Acknowledge', 24],
    [Opcode.RC_CMP_SWAP, 'RC CmpSwap', 40],
    [Opcode.RC_FETCH_ADD, 'RC FetchAdd', 40],
    [Opcode.RC_FLUSH, 'RC FLUSH', 32],
    [Opcode.RC_ATOMIC_WRITE, 'RC ATOMIC WRITE', 28],
    [Opcode.UC_RDMA_WRITE_ONLY, 'UC RDMA WRITE Only', 28],
    [Opcode.UD_SEND_ONLY, 'UD SEND Only', 20],
    [Opcode.UD_SEND_ONLY_WITH_IMMEDIATE, 'UD SEND Only with Immediate', 24],
    [Opcode.CNP, 'CNP', 12],
  ])('%i is %s, with %i bytes of headers', (opcode, name, bytes) => {
    expect(opcodeName(opcode)).toBe(name);
    expect(OPCODE_HEADER_BYTES[opcode]).toBe(bytes);
  });

  it('makes every RC opcode either a request or a response', () => {
    for (let opcode = 0; opcode < 0x20; opcode++) {
      if (!isKnownOpcode(opcode)) continue;
      expect(opcodeHas(opcode, F.REQUEST)).toBe(!opcodeHas(opcode, F.RESPONSE));
    }
  });

  it('puts an address and an rkey where memory is named: in the first packet of a WRITE and in READ, atomics, FLUSH', () => {
    for (let opcode = 0; opcode < 0x20; opcode++) {
      const memory = opcodeHas(opcode, F.RDMA_WRITE | F.RDMA_READ | F.ATOMIC | F.FLUSH | F.ATOMIC_WRITE);
      const names = memory && opcodeHas(opcode, F.REQUEST) && opcodeHas(opcode, F.STARTS);
      expect(opcodeHas(opcode, F.RETH | F.ATOMIC_ETH)).toBe(names);
    }
  });

  it('has for UC the same operations as for RC, up to 0x0b', () => {
    for (let operation = 0; operation <= 0x0b; operation++) {
      expect(opcodeName(0x20 | operation)).toBe(opcodeName(operation).replace('RC', 'UC'));
      expect(OPCODE_HEADER_BYTES[0x20 | operation]).toBe(OPCODE_HEADER_BYTES[operation]);
    }
  });

  it('tells the transport even of an opcode it does not know', () => {
    expect(transportOf(0x15)).toBe('RC');
    expect(transportOf(0x44)).toBe('RD');
    expect(transportOf(0xa4)).toBe('XRC');
    expect(transportOf(0x81)).toBe('CNP');
    expect(opcodeName(0x15)).toBe('RC opcode 0x15');
    expect(OPCODE_HEADER_BYTES[0x15]).toBe(0);
    expect(BTH_BYTES).toBe(12);
  });
});
