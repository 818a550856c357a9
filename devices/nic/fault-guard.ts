import { PAGE_SIZE } from '../../src/base/index.js';
import { isWritable } from '../contract/index.js';
import type { NicMkey } from './mkey-table.js';
import type { NicPacket } from './packet-pool.js';
import type { QueuePair } from './queue-pair.js';

/** What the responder does when a page fault has ended. */
export interface FaultListener {
  /** A packet that was kept meanwhile is to be taken up again. */
  retry(packet: NicPacket): void;
  /** The page cannot be had that a packet with this opcode needed. */
  fail(opcode: number): void;
}

/**
 * The responder's page faults: at most one at a time, as a queue pair takes requests in order.
 *
 * A device that answers RNR NAK drops the packet and lets the requester come back. A silent one keeps it, and what
 * arrives behind it, until the page is there.
 */
export class FaultGuard {
  /** True while the driver works on a fault. */
  pending = false;
  readonly silent: boolean;

  private held: NicPacket[] = [];

  constructor(
    private readonly qp: QueuePair,
    private readonly listener: FaultListener,
  ) {
    this.silent = qp.nic.profile.odp.responder === 'stall';
  }

  /** Keeps a packet that arrives while a silent device waits for a page. */
  keeps(packet: NicPacket): boolean {
    if (!this.pending || !this.silent) return false;
    this.held.push(packet);
    return true;
  }

  /**
   * True if [address, address + length) can be accessed now. Raises a page fault otherwise.
   * @param messageLeft bytes of the message from `address` on: a device may ask for all of its pages at once
   */
  present(
    packet: NicPacket,
    mkey: NicMkey,
    address: number,
    length: number,
    messageLeft: number,
    write: boolean,
  ): boolean {
    const missing = mkey.firstMissing(address, length, write);
    if (missing < 0) return true;
    const { opcode } = packet;
    const { odp } = this.qp.nic.profile;
    const reach = odp.scope === 'message' ? messageLeft : length;
    const last = Math.floor((address + reach - 1) / PAGE_SIZE) - mkey.firstPage;
    if (this.silent) this.held.push(packet);
    else this.qp.nic.stats.droppedForFault++;
    this.pending = true;
    this.qp.nic.raise({
      mkey,
      firstPage: missing,
      pages: Math.min(odp.maxPages, last - missing + 1),
      write: write || (odp.faultsForWriteIfWritable && isWritable(mkey.access)),
      qpn: this.qp.qpn,
      onResume: (outcome) => {
        this.resume(outcome, opcode);
      },
    });
    return false;
  }

  /** The queue pair gives up: what was kept goes back. */
  flush(): void {
    this.pending = false;
    for (const packet of this.held.splice(0)) this.qp.nic.pool.give(packet);
  }

  private resume(outcome: 'retry' | 'error', opcode: number): void {
    if (!this.pending) return;
    this.pending = false;
    if (outcome === 'error') {
      this.listener.fail(opcode);
      return;
    }
    // The first of them may fault again; the others are then kept again, behind it.
    const packets = this.held;
    this.held = [];
    for (const packet of packets) this.listener.retry(packet);
  }
}
