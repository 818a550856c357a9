import type { FrameTable } from './frames.js';
import { MAX_ORDER, ORDER_SHIFT, PG_BUDDY } from './page-flags.js';

/** End of a free list. Frame 0 is never free: it is the zero page. */
const NIL = 0;

/**
 * The buddy allocator: free frames in blocks of 2^order that begin at a multiple of that number.
 *
 * The free lists are threaded through the columns of the frame table that a free frame does not use. Memory enters them
 * a block of the largest order at a time, when it is first needed, so a fresh machine costs nothing.
 */
export class BuddyAllocator {
  /** Frames that are free. */
  free: number;

  /** First free block of each order. */
  private readonly heads = new Int32Array(MAX_ORDER + 1);
  /** Frames from here on are free and on no list yet. */
  private untouched: number;

  /** Its frames: [first, end). Both lie between blocks of the largest order, or at the ends of memory. */
  constructor(
    private readonly frames: FrameTable,
    first: number,
    private readonly end: number = frames.count,
  ) {
    this.untouched = first;
    this.free = end - first;
  }

  /** @returns the first frame of a block of 2^order frames, or -1 if there is none */
  allocate(order: number): number {
    let found = this.smallest(order);
    while (found < 0 && this.untouched < this.end) {
      this.grow();
      found = this.smallest(order);
    }
    if (found < 0) return -1;
    const block = this.heads[found];
    this.remove(block, found);
    // Give back the upper halves of a block that was too large.
    for (let half = found - 1; half >= order; half--) this.put(block + (1 << half), half);
    this.free -= 1 << order;
    return block;
  }

  /** Takes a block back and joins it with its free buddies. */
  release(block: number, order: number): void {
    this.free += 1 << order;
    let start = block;
    let size = order;
    while (size < MAX_ORDER) {
      const buddy = start ^ (1 << size);
      if (buddy >= this.end || this.frames.flags[buddy] !== freeBlock(size)) break;
      this.remove(buddy, size);
      start = Math.min(start, buddy);
      size++;
    }
    this.put(start, size);
  }

  /** take_page_off_buddy: one frame out of the free block that has it, whatever its order. @returns false if it is not free */
  takeOff(frame: number): boolean {
    for (let order = 0; order <= MAX_ORDER; order++) {
      let block = frame - (frame % (1 << order));
      if (this.frames.flags[block] !== freeBlock(order)) continue;
      this.remove(block, order);
      // break_down_buddy_pages: the half without it goes back, again and again.
      for (let half = order - 1; half >= 0; half--) {
        const upper = block + (1 << half);
        this.put(frame < upper ? upper : block, half);
        if (frame >= upper) block = upper;
      }
      this.free--;
      return true;
    }
    return false;
  }

  /** The smallest order of at least `order` that has a free block; -1 if none has. */
  private smallest(order: number): number {
    for (let found = order; found <= MAX_ORDER; found++) if (this.heads[found] !== NIL) return found;
    return -1;
  }

  /** Puts untouched memory up to the next multiple of the largest order on the lists, in blocks as large as fit. */
  private grow(): void {
    const end = Math.min(this.end, (this.untouched | ((1 << MAX_ORDER) - 1)) + 1);
    this.frames.reach(end);
    while (this.untouched < end) {
      let order = 0;
      while ((this.untouched & ((2 << order) - 1)) === 0 && this.untouched + (2 << order) <= end) order++;
      this.put(this.untouched, order);
      this.untouched += 1 << order;
    }
  }

  private put(block: number, order: number): void {
    const { index: next, owner: previous } = this.frames;
    const head = this.heads[order];
    next[block] = head;
    previous[block] = NIL;
    if (head !== NIL) previous[head] = block;
    this.heads[order] = block;
    this.frames.flags[block] = freeBlock(order);
  }

  private remove(block: number, order: number): void {
    const { index: next, owner: previous } = this.frames;
    if (previous[block] === NIL) this.heads[order] = next[block];
    else next[previous[block]] = next[block];
    if (next[block] !== NIL) previous[next[block]] = previous[block];
    this.frames.flags[block] = 0;
  }
}

/** Flags of the first frame of a free block. */
function freeBlock(order: number): number {
  return PG_BUDDY | (order << ORDER_SHIFT);
}
