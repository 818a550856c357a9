import { SEC, type Simulation, type Timer } from '../../src/engine/index.js';
import type { DeviceProfile } from './device-profile.js';
import type { NicPacket, PacketPool, PacketReceiver } from './packet-pool.js';

/** Decides whether a packet is lost on its way. */
export type LossRule = (packet: NicPacket) => boolean;

/** A NIC fetches the next request when the link is about to need it, so that queue pairs share the link fairly. */
const QUEUED_REQUESTS = 16;

/**
 * The outgoing side of a port: packets leave one after the other at the speed of the link and arrive in that order
 * after its latency.
 */
export class Egress {
  /** Packets lost by the rule. */
  lost = 0;
  lossRule: LossRule | null = null;
  /** Called when a packet has left the queue: there is room for another one. */
  onRoom: () => void = () => undefined;

  /** On the link, oldest first, in a ring. */
  private packets: (NicPacket | null)[] = new Array<null>(64).fill(null);
  private head = 0;
  private count = 0;
  /** When the link is free again. */
  private freeAt = 0;
  private readonly timer: Timer;
  private readonly nsPerByte: number;

  constructor(
    private readonly simulation: Simulation,
    name: string,
    private readonly link: DeviceProfile['link'],
    private readonly pool: PacketPool,
  ) {
    this.nsPerByte = (8 * SEC) / link.bitsPerSecond;
    this.timer = simulation.timer(`${name} link`, () => {
      this.deliver();
    });
  }

  /** True while requests may be queued. Answers are, whatever there is. */
  get hasRoom(): boolean {
    return this.count < QUEUED_REQUESTS;
  }

  send(packet: NicPacket, to: PacketReceiver): void {
    if (this.lossRule !== null && this.lossRule(packet)) {
      this.lost++;
      this.pool.give(packet);
      return;
    }
    if (this.count === this.packets.length) this.grow();
    const { now } = this.simulation;
    const bytes = packet.wireBytes + this.link.overheadBytes;
    this.freeAt = Math.max(now, this.freeAt) + Math.max(1, Math.round(bytes * this.nsPerByte));
    packet.receiver = to;
    packet.arrival = this.freeAt + this.link.latency;
    this.packets[(this.head + this.count) & (this.packets.length - 1)] = packet;
    if (this.count++ === 0) this.timer.arm(packet.arrival - now);
  }

  private deliver(): void {
    const packet = this.packets[this.head];
    this.packets[this.head] = null;
    this.head = (this.head + 1) & (this.packets.length - 1);
    this.count--;
    // Two packets never arrive at the same instant: each takes at least 1 ns on the link.
    const next = this.packets[this.head];
    if (next !== null) this.timer.arm(next.arrival - this.simulation.now);
    packet?.receiver?.receive(packet);
    this.onRoom();
  }

  private grow(): void {
    const { length } = this.packets;
    const ordered = Array.from({ length }, (_, i) => this.packets[(this.head + i) & (length - 1)]);
    this.packets = [...ordered, ...new Array<null>(length).fill(null)];
    this.head = 0;
  }
}
