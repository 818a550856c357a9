import { HoldRecord } from './request-record.js';
import type { EventQueue } from './event-queue.js';
import type { StreamPacket } from '../packets/index.js';

/** What all flows together may keep of packets ahead of a gap. */
export class AheadBudget {
  static readonly MAX_PACKETS = 65_536;
  static readonly MAX_BYTES = 1 << 26;
  packets = 0;
  bytes = 0;

  get spent(): boolean {
    return this.packets >= AheadBudget.MAX_PACKETS || this.bytes >= AheadBudget.MAX_BYTES;
  }
}

/**
 * Packets of one flow beyond the PSN that the responder expects, by unwrapped PSN. Either the responder dropped them, and
 * the requester sends them again; or the capture missed what lies between, and a response proves that they count.
 */
export class PacketsAhead {
  /** Packets that came since the gap opened, kept or not. */
  arrivals = 0;
  /** When the gap opened. */
  sinceNs = 0;
  /** The highest PSN that came. */
  highest = 0;
  private readonly packets = new Map<number, StreamPacket>();
  private hold: HoldRecord | undefined = undefined;

  constructor(
    private readonly budget: AheadBudget,
    private readonly queue: EventQueue,
    private readonly withPayload: boolean,
  ) {}

  get isEmpty(): boolean {
    return this.arrivals === 0;
  }

  add(psn: number, from: StreamPacket): void {
    if (this.arrivals++ === 0) {
      this.sinceNs = from.timeNs;
      this.highest = psn;
      this.hold = new HoldRecord(from.frame, () => this.clear());
      this.queue.add(this.hold);
    }
    this.highest = Math.max(this.highest, psn);
    this.drop(psn);
    if (this.budget.spent) return;
    const kept = from.keep(this.withPayload);
    this.packets.set(psn, kept);
    this.budget.packets++;
    this.budget.bytes += kept.heldBytes;
  }

  get(psn: number): StreamPacket | undefined {
    return this.packets.get(psn);
  }

  /** The PSNs that are here from `psn` on, in order. */
  psnsFrom(psn: number): number[] {
    return [...this.packets.keys()].filter((key) => key >= psn).sort((a, b) => a - b);
  }

  /** Everything before `psn` is settled; the gap closes when nothing is left. */
  settleBelow(psn: number): void {
    if (this.highest < psn) {
      this.clear();
      return;
    }
    for (const key of this.packets.keys()) if (key < psn) this.drop(key);
  }

  /** The packet with this PSN came in order after all. */
  settle(psn: number): void {
    if (this.arrivals === 0) return;
    this.drop(psn);
    if (psn >= this.highest) this.clear();
  }

  clear(): void {
    for (const key of this.packets.keys()) this.drop(key);
    this.arrivals = 0;
    this.hold?.release();
    this.hold = undefined;
  }

  private drop(psn: number): void {
    const packet = this.packets.get(psn);
    if (packet === undefined) return;
    this.packets.delete(psn);
    this.budget.packets--;
    this.budget.bytes -= packet.heldBytes;
  }
}
