import { PageContents } from '../base/index.js';
import { Condition, Lock, SimulationError, type Simulation, type Task } from '../engine/index.js';
import { BuddyAllocator } from './buddy.js';
import { FrameTable } from './frames.js';
import { ORDER_SHIFT, PG_ALLOCATED, PG_RESERVED, PG_TAIL, PG_UPTODATE, PG_WRITEBACK } from './page-flags.js';

/** The frame that is mapped read-only where an anonymous page was read but never written. */
export const ZERO_FRAME = 0;

/** The memory of one machine: frames and what they hold, allocation, and the locks of folios. */
export class PhysicalMemory {
  readonly frames: FrameTable;
  readonly contents: PageContents;

  private readonly buddy: BuddyAllocator;
  private lastStamp = 0;
  /** Only folios that are locked now have an entry. */
  private readonly locks = new Map<number, Lock>();
  /** Only folios whose writeback somebody waits for have an entry. */
  private readonly writebackWaits = new Map<number, Condition>();
  /** Told of every folio whose writeback has ended: reclaim's cue. */
  onWritebackEnd: () => void = () => undefined;

  /**
   * @param frameCount size of memory in 4 KiB frames
   * @param keepsBytes false keeps only which write each byte comes from
   */
  constructor(
    private readonly simulation: Simulation,
    frameCount: number,
    keepsBytes: boolean,
  ) {
    this.frames = new FrameTable(frameCount);
    this.contents = new PageContents(keepsBytes);
    this.buddy = new BuddyAllocator(this.frames, ZERO_FRAME + 1);
    this.frames.refcount[ZERO_FRAME] = 1;
    this.frames.flags[ZERO_FRAME] = PG_ALLOCATED | PG_RESERVED | PG_UPTODATE;
  }

  /** Identity of the next write to memory, by a CPU or a device: later writes have greater ones. */
  nextStamp(): number {
    return ++this.lastStamp;
  }

  get freeFrames(): number {
    return this.buddy.free;
  }

  /**
   * Allocates a zeroed folio with one reference.
   * @returns its first frame, or -1 if memory has no free block of 2^order frames
   */
  allocate(order: number): number {
    const folio = this.buddy.allocate(order);
    if (folio < 0) return -1;
    const { frames } = this;
    frames.refcount[folio] = 1;
    frames.flags[folio] = PG_ALLOCATED | (order << ORDER_SHIFT);
    frames.owner[folio] = 0;
    frames.index[folio] = 0;
    // Zeroed here and not when it was freed: a device that writes late writes into memory that is free, as a real one.
    for (let i = 0; i < 1 << order; i++) this.contents.clear(folio + i);
    for (let i = 1; i < 1 << order; i++) {
      frames.flags[folio + i] = PG_ALLOCATED | PG_TAIL;
      frames.index[folio + i] = folio;
    }
    return folio;
  }

  /** folio_put: drops references and frees the folio with the last one. */
  put(folio: number, references = 1): void {
    if (this.frames.drop(folio, references)) this.free(folio);
  }

  /** unpin_user_page: drops one pin of the frame's folio. */
  unpin(frame: number): void {
    const folio = this.frames.folioOf(frame);
    if (this.frames.unpin(frame)) this.free(folio);
  }

  /** folio_lock. The caller has a reference. */
  *lockFolio(folio: number): Task {
    if (!this.frames.isAllocated(folio)) throw new SimulationError(`folio ${String(folio)} was locked, but is free`);
    let lock = this.locks.get(folio);
    if (lock === undefined) {
      lock = new Lock(this.simulation, `folio ${String(folio)}`);
      this.locks.set(folio, lock);
    }
    yield lock;
  }

  /** folio_trylock. */
  tryLockFolio(folio: number): boolean {
    if (this.locks.has(folio)) return false;
    const lock = new Lock(this.simulation, `folio ${String(folio)}`);
    this.locks.set(folio, lock);
    return lock.tryAcquire();
  }

  unlockFolio(folio: number): void {
    const lock = this.locks.get(folio);
    if (lock === undefined) throw new SimulationError(`folio ${String(folio)} was unlocked, but is not locked`);
    lock.release();
    if (!lock.held) this.locks.delete(folio);
  }

  isLocked(folio: number): boolean {
    return this.locks.has(folio);
  }

  /** folio_wait_writeback. */
  *waitForWriteback(folio: number): Task {
    while (this.frames.has(folio, PG_WRITEBACK)) {
      let wait = this.writebackWaits.get(folio);
      if (wait === undefined) {
        wait = new Condition(this.simulation, `writeback of folio ${String(folio)} to end`);
        this.writebackWaits.set(folio, wait);
      }
      yield wait;
    }
  }

  /** The part of folio_end_writeback that wakes the waiters. The caller has cleared PG_WRITEBACK. */
  wakeWritebackWaiters(folio: number): void {
    this.onWritebackEnd();
    const wait = this.writebackWaits.get(folio);
    if (wait === undefined) return;
    this.writebackWaits.delete(folio);
    wait.notifyAll();
  }

  private free(folio: number): void {
    const { frames } = this;
    const order = frames.order(folio);
    if (frames.folioMapcount(folio) > 0 || this.locks.has(folio) || frames.has(folio, PG_RESERVED | PG_WRITEBACK)) {
      throw new SimulationError(
        `folio ${String(folio)} was freed while mapped, locked, reserved or under writeback ` +
          `(mapcount ${String(frames.folioMapcount(folio))}, flags 0x${frames.flags[folio].toString(16)})`,
      );
    }
    for (let i = 0; i < 1 << order; i++) frames.flags[folio + i] = 0;
    this.buddy.release(folio, order);
  }
}
