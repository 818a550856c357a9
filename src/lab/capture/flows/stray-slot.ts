import type { StreamPacket } from '../packets/index.js';
import type { RequestSink } from './message-assembler.js';
import { HoldRecord } from './request-record.js';

/**
 * Holds the one packet of a queue pair whose PSN has nothing to do with the connection so far. A second packet that
 * continues it makes both a new connection; anything else makes it one packet that nobody can explain.
 */
export class StraySlot {
  packet: StreamPacket | undefined = undefined;
  private hold: HoldRecord | undefined = undefined;

  constructor(private readonly sink: RequestSink) {}

  keep(from: StreamPacket): void {
    this.drop();
    this.packet = from.keep(this.sink.collectPayloads);
    this.hold = new HoldRecord(from.frame, () => this.drop());
    this.sink.queue.add(this.hold);
  }

  /** Empties the slot and returns what was in it: it belongs to a connection after all. */
  take(): StreamPacket | undefined {
    const { packet } = this;
    this.hold?.release();
    this.hold = undefined;
    this.packet = undefined;
    return packet;
  }

  /** Empties the slot: the packet makes no sense. */
  drop(): void {
    const packet = this.take();
    if (packet !== undefined) this.sink.skips.add('stray-psn', packet.frame, packet.offset);
  }
}
