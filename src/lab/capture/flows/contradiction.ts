import { Opcode, OpcodeFlag, opcodeHas } from '../../../../devices/nic/wire/index.js';
import type { Packet } from '../../../../devices/nic/wire/index.js';
import { isPathMtu } from './path-mtu.js';

const MAX_MESSAGE_BYTES = 2 ** 31;
const MAX_PAYLOAD_BYTES = 4096;
const TWO_TO_32 = 2 ** 32;

/**
 * What is impossible about the first packet of a request, whatever the responder's memory looks like (IBTA 9.4, 9.7.4.1.6:
 * a responder answers NAK invalid request). Undefined when it is in order.
 */
export function contradiction(packet: Packet): string | undefined {
  const { opcode, payloadLength, dmaLength } = packet;
  const payload = payloadProblem(packet);
  if (payload !== undefined) return payload;
  if (!opcodeHas(opcode, OpcodeFlag.RETH)) return undefined;
  if (dmaLength > MAX_MESSAGE_BYTES) return `DMALength must be at most 2^31: got ${dmaLength}`;
  if (dmaLength > 0 && wraps(packet))
    return `the range must end below 2^64: got ${dmaLength} bytes at ${address(packet)}`;
  if (opcode === Opcode.RC_ATOMIC_WRITE) {
    return payloadLength === 8 && dmaLength === 8 ? undefined : `ATOMIC WRITE must be of 8 bytes: got ${payloadLength}`;
  }
  if (!opcodeHas(opcode, OpcodeFlag.RDMA_WRITE)) return undefined;
  const fits = opcodeHas(opcode, OpcodeFlag.ENDS) ? payloadLength === dmaLength : payloadLength < dmaLength;
  return fits ? undefined : `the packet carries ${payloadLength} bytes: its DMALength is ${dmaLength}`;
}

function payloadProblem({ opcode, payloadLength }: Packet): string | undefined {
  if (!opcodeHas(opcode, OpcodeFlag.PAYLOAD)) {
    return payloadLength === 0 ? undefined : `the request must carry no payload: got ${payloadLength} bytes`;
  }
  if (opcodeHas(opcode, OpcodeFlag.ENDS)) {
    return payloadLength <= MAX_PAYLOAD_BYTES
      ? undefined
      : `a packet must carry at most ${MAX_PAYLOAD_BYTES} bytes: got ${payloadLength}`;
  }
  return isPathMtu(payloadLength) ? undefined : `a First packet must carry a path MTU: got ${payloadLength} bytes`;
}

function wraps({ vaHi, vaLo, dmaLength }: Packet): boolean {
  // The last byte, so that a range may end exactly at 2^64.
  return vaHi === 0xffffffff && vaLo + dmaLength - 1 >= TWO_TO_32;
}

function address(packet: Packet): string {
  return `0x${packet.virtualAddress.toString(16)}`;
}
