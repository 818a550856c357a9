import { Packet } from './wire/index.js';

/** Where packets arrive. The receiver gives the packet back to the pool when it is done with it. */
export interface PacketReceiver {
  receive(packet: NicPacket): void;
}

/** A packet between emulated NICs: what is on the wire, and a mark that is not. */
export class NicPacket extends Packet {
  /** Number of the work request that caused it, so that what it does can be laid to that request's account. */
  mark = 0;
  /** Where it is going, and when it will be there, while it is on a link. */
  receiver: PacketReceiver | null = null;
  arrival = 0;
}

/** Packets that are not in flight, to be used again: a stream of WRITEs then makes no garbage. */
export class PacketPool {
  private readonly free: NicPacket[] = [];

  /**
   * A packet to be filled: opcode, PSN, AckReq, mark, payload, and the headers that the opcode has. Headers that it does
   * not have may still hold an earlier packet's values; nobody looks at them.
   */
  take(): NicPacket {
    return this.free.pop() ?? new NicPacket();
  }

  give(packet: NicPacket): void {
    packet.payload = null;
    this.free.push(packet);
  }
}
