import { Opcode, OpcodeFlag, opcodeHas } from '../../../../devices/nic/wire/index.js';
import type { Packet } from '../../../../devices/nic/wire/index.js';

/** Requests that a flow remembers to tell a retransmission from the packets of another connection. */
const REMEMBERED = 128;

interface Remembered {
  first: number;
  last: number;
  opcode: number;
  vaLo: number;
  rKey: number;
  length: number;
}

/** The latest packets of a flow that begin a request, by their unwrapped PSNs. */
export class RequestHistory {
  private readonly ring: Remembered[] = [];
  private next = 0;

  /** Notes the accepted First or Only packet at `psn`, whose request takes PSNs up to `last`. */
  note(packet: Packet, psn: number, last: number): void {
    const { opcode, vaLo, rKey, dmaLength } = packet;
    const entry = this.ring[this.next] ?? { first: 0, last: 0, opcode: 0, vaLo: 0, rKey: 0, length: 0 };
    entry.first = psn;
    entry.last = last;
    entry.opcode = opcode;
    entry.vaLo = vaLo;
    entry.rKey = rKey;
    entry.length = dmaLength;
    this.ring[this.next] = entry;
    this.next = (this.next + 1) % REMEMBERED;
  }

  /** True when the First or Only packet at `psn` can be one of these again. A READ may be repeated from its middle on. */
  couldRepeat(packet: Packet, psn: number): boolean {
    const entry = this.ring.find(({ first, last }) => first <= psn && psn <= last);
    if (entry === undefined || entry.opcode !== packet.opcode) return false;
    if (packet.opcode === Opcode.RC_RDMA_READ_REQUEST) return entry.rKey === packet.rKey;
    if (entry.first !== psn) return false;
    if (opcodeHas(packet.opcode, OpcodeFlag.RETH | OpcodeFlag.ATOMIC_ETH)) {
      return entry.vaLo === packet.vaLo && entry.rKey === packet.rKey && entry.length === packet.dmaLength;
    }
    return true;
  }
}
