import { PAGE_SIZE } from '../../src/base/index.js';
import { mttFrame } from '../contract/index.js';
import type { DmaClient } from './dma-engine.js';
import type { NicMkey } from './mkey-table.js';
import type { QueuePair } from './queue-pair.js';

/** What the requester does when its local side is there, or never will be. */
export interface GatherListener {
  resume(): void;
  fail(): void;
}

/**
 * The requester's access to its own registered memory: fetches the source of a packet before it can be sent, stores what
 * a response brings. A missing page stalls the send queue; nothing of it shows on the wire.
 */
export class Gather implements DmaClient {
  /** Waiting for data from memory. */
  busy = false;
  /** Waiting for a page fault. */
  faulting = false;

  private fetched: Uint8Array | null = null;
  private fetchedFrom = -1;

  constructor(
    private readonly qp: QueuePair,
    private readonly listener: GatherListener,
  ) {}

  /** True if the bytes of [address, address + length) have been fetched: `take` has them. Starts fetching otherwise. */
  fetch(mkey: NicMkey, address: number, length: number): boolean {
    if (this.fetched !== null && this.fetchedFrom === address) return true;
    if (!this.present(mkey, address, length, false)) return false;
    const bytes = new Uint8Array(length);
    const { dma } = this.qp.nic;
    forEachPage(address, length, (at, within, bytesHere, done) => {
      const op = dma.read(mttFrame(mkey.entry(at)), within, bytesHere, bytes, done);
      dma.issue(op, mkey, at, 0);
      if (done + bytesHere === length) dma.watch(op, this);
    });
    this.fetched = bytes;
    this.fetchedFrom = address;
    this.busy = true;
    return false;
  }

  /** The bytes that `fetch` has brought; null if nothing was fetched. */
  take(): Uint8Array | null {
    const bytes = this.fetched;
    this.fetched = null;
    this.fetchedFrom = -1;
    return bytes;
  }

  /** Writes bytes to a region. False if a page is missing: a fault has been raised. */
  store(mkey: NicMkey, address: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (!this.present(mkey, address, length, true)) return false;
    const { dma } = this.qp.nic;
    forEachPage(address, length, (at, within, bytesHere, done) => {
      const op = dma.write(mttFrame(mkey.entry(at)), within, bytesHere, bytes, offset + done);
      dma.issue(op, mkey, at, 0);
    });
    return true;
  }

  dmaLanded(): void {
    this.busy = false;
    this.listener.resume();
  }

  private present(mkey: NicMkey, address: number, length: number, write: boolean): boolean {
    if (!mkey.valid) {
      this.listener.fail();
      return false;
    }
    const missing = mkey.firstMissing(address, length, write);
    if (missing < 0) return true;
    if (this.faulting) return false;
    this.faulting = true;
    const last = Math.floor((address + length - 1) / PAGE_SIZE) - mkey.firstPage;
    this.qp.nic.raise({
      mkey,
      firstPage: missing,
      pages: last - missing + 1,
      write,
      qpn: this.qp.qpn,
      onResume: (outcome) => {
        this.faulting = false;
        if (outcome === 'retry') this.listener.resume();
        else this.listener.fail();
      },
    });
    return false;
  }
}

/** Cuts [address, address + length) at page borders. */
export function forEachPage(
  address: number,
  length: number,
  visit: (at: number, within: number, bytes: number, done: number) => void,
): void {
  for (let done = 0; done < length;) {
    const at = address + done;
    const within = at % PAGE_SIZE;
    const bytes = Math.min(PAGE_SIZE - within, length - done);
    visit(at, within, bytes, done);
    done += bytes;
  }
}
