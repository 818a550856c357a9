import { Packet, psnAdd } from './wire/index.js';

/** Where packets arrive. The receiver gives the packet back to the pool when it is done with it. */
export interface PacketReceiver {
  receive(packet: NicPacket): void;
  /**
   * Takes the packets of a run one after the other, each at its own time, as long as each is an ordinary case and nothing
   * else happens in between. The sender keeps the object.
   * @param most packets that may be taken
   * @returns how many were taken; the next one is to be received by itself, or later
   */
  receiveRun(packet: NicPacket, most: number): number;
}

/** A packet between emulated NICs: what is on the wire, and a mark that is not. */
export class NicPacket extends Packet {
  /** Number of the work request that caused it, so that what it does can be laid to that request's account. */
  mark = 0;
  /**
   * Packets that this object stands for: more than 1 for a run, which is middle packets of one WRITE with PSNs and data in
   * a row, `payloadLength` bytes each, that leave one behind the other.
   */
  run = 1;
  /** Where it is going, and when it will be there, while it is on a link. */
  receiver: PacketReceiver | null = null;
  arrival = 0;
  /** ns between the arrivals of a run's packets. */
  spacing = 0;

  /** Cuts the first `packets` off a run. */
  skip(packets: number): void {
    this.run -= packets;
    this.psn = psnAdd(this.psn, packets);
    this.payloadOffset += packets * this.payloadLength;
    this.arrival += packets * this.spacing;
  }
}

/** Packets that are not in flight, to be used again: a stream of WRITEs then makes no garbage. */
export class PacketPool {
  private readonly free: NicPacket[] = [];

  /**
   * A packet without payload to be filled: opcode, PSN, AckReq, mark, payload if there is one, and the headers that the
   * opcode has. Headers that it does not have may still hold an earlier packet's values; nobody looks at them.
   */
  take(): NicPacket {
    return this.free.pop() ?? new NicPacket();
  }

  give(packet: NicPacket): void {
    packet.payload = null;
    packet.payloadLength = 0;
    packet.padCount = 0;
    packet.run = 1;
    this.free.push(packet);
  }
}
