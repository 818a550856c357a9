import { SEC, type Simulation, type Timer } from '../../src/engine/index.js';
import type { DeviceProfile } from './device-profile.js';
import type { NicPacket, PacketPool, PacketReceiver } from './packet-pool.js';

/** Decides whether a packet is lost on its way. */
export type LossRule = (packet: NicPacket) => boolean;

/**
 * A NIC fetches requests when the link is about to need them, so that queue pairs share it fairly, and some at a time: so
 * many packets may be queued or on the link, and when half of them have arrived it fetches again.
 */
const QUEUED_REQUESTS = 32;

/**
 * The outgoing side of a port: packets leave one after the other at the speed of the link and arrive in that order
 * after its latency.
 */
export class Egress {
  /** Packets lost by the rule. */
  lost = 0;
  lossRule: LossRule | null = null;
  /** Called when a packet has left the queue: there is room for another one. */
  onRoom: () => void = nobody;

  /** On the link, oldest first, in a ring. */
  private packets: (NicPacket | null)[] = new Array<null>(64).fill(null);
  private head = 0;
  private count = 0;
  /** Packets of them: a run is several. */
  private queued = 0;
  private delivering = false;
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

  /** Packets of requests that may be queued now. Answers are queued whatever there is. */
  get room(): number {
    return QUEUED_REQUESTS - this.queued;
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
    const transfer = Math.max(1, Math.round(bytes * this.nsPerByte));
    const start = Math.max(now, this.freeAt);
    this.freeAt = start + packet.run * transfer;
    packet.receiver = to;
    packet.arrival = start + transfer + this.link.latency;
    packet.spacing = transfer;
    this.queued += packet.run;
    this.packets[(this.head + this.count) & (this.packets.length - 1)] = packet;
    if (this.count++ === 0 && !this.delivering) this.timer.arm(packet.arrival - now);
  }

  private deliver(): void {
    const { simulation } = this;
    this.delivering = true;
    for (;;) {
      this.deliverOldest();
      if (2 * this.queued <= QUEUED_REQUESTS) this.onRoom();
      const next = this.packets[this.head];
      // Two packets never arrive at the same instant: each takes at least 1 ns on the link.
      if (next !== null && simulation.advanceAlone(next.arrival)) continue;
      if (next !== null) this.timer.arm(next.arrival - simulation.now);
      this.delivering = false;
      return;
    }
  }

  private deliverOldest(): void {
    const packet = this.packets[this.head];
    const receiver = packet?.receiver;
    if (packet === null || !receiver) return;
    if (packet.run === 1) {
      this.shift();
      this.queued--;
      receiver.receive(packet);
      return;
    }
    // No further than to where there is room again: what comes next is fetched at that instant, as it would be anyhow.
    const taken = receiver.receiveRun(packet, Math.max(1, this.queued - QUEUED_REQUESTS / 2));
    this.queued -= taken;
    if (taken === packet.run) {
      this.shift();
      this.pool.give(packet);
    } else if (taken > 0) {
      packet.skip(taken);
    } else {
      const first = this.pool.take();
      first.copyFrom(packet);
      first.mark = packet.mark;
      packet.skip(1);
      this.queued--;
      receiver.receive(first);
    }
  }

  private shift(): void {
    this.packets[this.head] = null;
    this.head = (this.head + 1) & (this.packets.length - 1);
    this.count--;
  }

  private grow(): void {
    const { length } = this.packets;
    const ordered = Array.from({ length }, (_, i) => this.packets[(this.head + i) & (length - 1)]);
    this.packets = [...ordered, ...new Array<null>(length).fill(null)];
    this.head = 0;
  }
}

function nobody(): void {
  // Nobody asked to be told.
}
