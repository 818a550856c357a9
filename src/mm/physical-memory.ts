import { PageContents } from '../base/index.js';
import { Condition, HotStream, Lock, SimulationError, type Simulation, type Task } from '../engine/index.js';
import { BuddyAllocator } from './buddy.js';
import { FrameTable } from './frames.js';
import {
  MAX_ORDER,
  ORDER_MASK,
  PG_ALLOCATED,
  PG_ANON_EXCLUSIVE,
  PG_HWPOISON,
  PG_RESERVED,
  PG_UPTODATE,
  PG_WRITEBACK,
} from './page-flags.js';

/** The frame that is mapped read-only where an anonymous page was read but never written. */
export const ZERO_FRAME = 0;

/** The memory of one machine: frames and what they hold, allocation, and the locks of folios. */
export class PhysicalMemory {
  readonly frames: FrameTable;
  readonly contents: PageContents;

  /** An allocator per NUMA node. */
  private readonly buddies: readonly BuddyAllocator[];
  private readonly framesPerNode: number;
  private lastStamp = 0;
  /** Only folios that are locked now have an entry. */
  private readonly locks = new Map<number, Lock>();
  /** Only folios whose writeback somebody waits for have an entry. */
  private readonly writebackWaits = new Map<number, Condition>();
  /** A folio is about to be free. */
  readonly freeing$ = new HotStream<number>();
  /** Told of every folio whose writeback has ended: reclaim's cue. */
  onWritebackEnd: () => void = nobody;

  /**
   * @param frameCount size of memory in 4 KiB frames
   * @param contents what the frames hold; or true for bytes, false for only which write each byte comes from
   * @param nodes NUMA nodes, which have equal parts of memory
   */
  constructor(
    private readonly simulation: Simulation,
    frameCount: number,
    contents: PageContents | boolean,
    readonly nodes = 1,
  ) {
    this.frames = new FrameTable(frameCount);
    this.contents = typeof contents === 'boolean' ? new PageContents(contents) : contents;
    const block = 1 << MAX_ORDER;
    this.framesPerNode = nodes === 1 ? frameCount : Math.ceil(frameCount / nodes / block) * block;
    this.buddies = Array.from({ length: nodes }, (_, node) => {
      const first = node === 0 ? ZERO_FRAME + 1 : node * this.framesPerNode;
      return new BuddyAllocator(this.frames, first, Math.min(frameCount, (node + 1) * this.framesPerNode));
    });
    this.frames.refcount[ZERO_FRAME] = 1;
    this.frames.flags[ZERO_FRAME] = PG_ALLOCATED | PG_RESERVED | PG_UPTODATE;
  }

  /** Identity of the next write to memory, by a CPU or a device: later writes have greater ones. */
  nextStamp(): number {
    return ++this.lastStamp;
  }

  get freeFrames(): number {
    return this.buddies.reduce((sum, buddy) => sum + buddy.free, 0);
  }

  /** page_to_nid: the NUMA node of a frame. */
  nodeOf(frame: number): number {
    return Math.floor(frame / this.framesPerNode);
  }

  /**
   * Allocates a zeroed folio with one reference.
   * @param node where it should be; it is elsewhere if that node has none left
   * @returns its first frame, or -1 if memory has no free block of 2^order frames
   */
  allocate(order: number, node = 0): number {
    let folio = this.buddies[node].allocate(order);
    for (let other = 0; folio < 0 && other < this.nodes; other++) folio = this.buddies[other].allocate(order);
    if (folio < 0) return -1;
    const { frames } = this;
    frames.refcount[folio] = 1;
    frames.owner[folio] = 0;
    frames.index[folio] = 0;
    frames.compose(folio, order, PG_ALLOCATED);
    // Zeroed here and not when it was freed: a device that writes late writes into memory that is free, as a real one.
    for (let i = 0; i < 1 << order; i++) this.contents.clear(folio + i);
    return folio;
  }

  /**
   * __split_folio_to_order: makes several folios of one. Nobody maps it. Its flags, but for the per-page ones, go to every
   * part. References beyond those per page stay with the first part; every other part has one, for the caller to put.
   *
   * @param parts orders of the parts, first to last
   * @param referencesPerPage what each page counts for: 1 in a page cache or the swap cache, 0 otherwise
   */
  splitFolio(folio: number, parts: readonly number[], referencesPerPage: number): number[] {
    const { frames } = this;
    const held = frames.refcount[folio] - referencesPerPage * frames.pages(folio);
    const inherited = frames.flags[folio] & ~ORDER_MASK;
    const perPage = PG_ANON_EXCLUSIVE | PG_HWPOISON;
    const owner = frames.owner[folio];
    const index = frames.index[folio];
    const made: number[] = [];
    frames.decompose(folio);
    let at = folio;
    for (const order of parts) {
      const own = frames.flags[at] & perPage;
      frames.refcount[at] = (referencesPerPage << order) + (at === folio ? held : 1);
      frames.owner[at] = owner;
      frames.index[at] = index + (at - folio);
      frames.compose(at, order, (inherited & ~perPage) | own);
      made.push(at);
      at += 1 << order;
    }
    return made;
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

  /**
   * page_handle_poison of a free frame: nobody gets it any more (take_page_off_buddy). It keeps one reference.
   * @returns false if it is not free
   */
  isolate(frame: number): boolean {
    if (!this.buddies[this.nodeOf(frame)].takeOff(frame)) return false;
    const { frames } = this;
    frames.flags[frame] = PG_ALLOCATED | PG_HWPOISON;
    frames.refcount[frame] = 1;
    frames.owner[frame] = 0;
    frames.index[frame] = 0;
    return true;
  }

  /** folio_lock. The caller has a reference. */
  *lockFolio(folio: number): Task {
    if (!this.frames.isAllocated(folio)) throw new SimulationError(`folio ${String(folio)} was locked, but is free`);
    let lock = this.locks.get(folio);
    if (lock === undefined) {
      lock = new Lock(this.simulation, `folio ${String(folio)}`, 'folio_lock');
      this.locks.set(folio, lock);
    }
    yield lock;
  }

  /** folio_trylock. */
  tryLockFolio(folio: number): boolean {
    if (this.locks.has(folio)) return false;
    const lock = new Lock(this.simulation, `folio ${String(folio)}`, 'folio_lock');
    this.locks.set(folio, lock);
    return lock.tryAcquire();
  }

  unlockFolio(folio: number): void {
    const lock = this.locks.get(folio);
    if (lock === undefined) throw new SimulationError(`folio ${String(folio)} was unlocked, but is not locked`);
    lock.release();
    if (!lock.held) this.locks.delete(folio);
  }

  /** The lock of a folio that has been split goes to one of its parts, which nobody has locked. */
  moveLock(from: number, to: number): void {
    if (from === to) return;
    this.unlockFolio(from);
    this.tryLockFolio(to);
  }

  /** True if the running task has the folio locked. */
  lockedByMe(folio: number): boolean {
    return this.locks.get(folio)?.heldByMe === true;
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
    if (this.freeing$.observed) this.freeing$.emit(folio);
    if (order > 0) frames.decompose(folio);
    let broken: number[] | null = null;
    for (let frame = folio; frame < folio + (1 << order); frame++) {
      if (frames.has(frame, PG_HWPOISON)) (broken ??= []).push(frame);
      frames.flags[frame] = 0;
    }
    this.buddies[this.nodeOf(folio)].release(folio, order);
    // free_has_hwpoisoned: what is broken is not given out again.
    broken?.forEach((frame) => this.isolate(frame));
  }
}

function nobody(): void {
  // Nobody asked to be told.
}
