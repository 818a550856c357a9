import { PAGE_SIZE } from '../../src/base/index.js';
import { mttFrame } from '../contract/index.js';
import type { DmaClient } from './dma-engine.js';
import type { NicMkey } from './mkey-table.js';
import type { QueuePair } from './queue-pair.js';
import type { SendWqe } from './work-request.js';

/** What the requester does when its local side is there, or never will be. */
export interface GatherListener {
  resume(): void;
  fail(wqe: SendWqe): void;
}

/** The bytes of one packet of one request, on their way from memory. */
class Prefetch implements DmaClient {
  landed = false;

  constructor(
    readonly wqe: SendWqe,
    readonly index: number,
    readonly bytes: Uint8Array,
    private readonly listener: GatherListener,
  ) {}

  dmaLanded(): void {
    this.landed = true;
    this.listener.resume();
  }
}

/**
 * The requester's access to its own registered memory: fetches the source of a packet before it can be sent, stores what
 * a response brings. A missing page stalls the send queue; nothing of it shows on the wire.
 */
export class Gather {
  /** Waiting for a page fault. */
  faulting = false;

  private prefetch: Prefetch | null = null;

  constructor(
    private readonly qp: QueuePair,
    private readonly listener: GatherListener,
  ) {}

  /**
   * The bytes of packet `index` of a request, [address, address + length); null if they are not here yet: the listener
   * is told when to ask again, or that they never will be.
   */
  fetch(wqe: SendWqe, mkey: NicMkey, index: number, address: number, length: number): Uint8Array | null {
    const under = this.prefetch;
    if (under?.wqe === wqe && under.index === index) return under.landed ? under.bytes : null;
    if (!this.present(wqe, mkey, address, length, false)) return null;
    const prefetch = new Prefetch(wqe, index, new Uint8Array(length), this.listener);
    const { dma } = this.qp.nic;
    forEachPage(address, length, (at, within, bytesHere, done) => {
      const op = dma.read(mttFrame(mkey.entry(at)), within, bytesHere, prefetch.bytes, done);
      dma.issue(op, mkey, at, 0);
      if (done + bytesHere === length) dma.watch(op, prefetch);
    });
    this.prefetch = prefetch;
    return null;
  }

  /** What has been fetched, or is on its way, is not wanted: sent, or something else is to be sent first. */
  drop(): void {
    this.prefetch = null;
  }

  /** Writes bytes to a region. False if a page is missing: a fault has been raised. */
  store(wqe: SendWqe, mkey: NicMkey, address: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (!this.present(wqe, mkey, address, length, true)) return false;
    const { dma } = this.qp.nic;
    forEachPage(address, length, (at, within, bytesHere, done) => {
      const op = dma.write(mttFrame(mkey.entry(at)), within, bytesHere, bytes, offset + done);
      dma.issue(op, mkey, at, 0);
    });
    return true;
  }

  private present(wqe: SendWqe, mkey: NicMkey, address: number, length: number, write: boolean): boolean {
    if (this.faulting) return false;
    if (!mkey.valid) {
      this.listener.fail(wqe);
      return false;
    }
    const missing = mkey.firstMissing(address, length, write);
    if (missing < 0) return true;
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
        if (outcome === 'error') this.listener.fail(wqe);
        this.listener.resume();
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
