import fc from 'fast-check';
import { BuddyAllocator } from '../../src/mm/buddy.js';
import { FrameTable } from '../../src/mm/index.js';

/** Frame 0 is the zero page: blocks begin at frame 1. */
function buddies(frames: number): BuddyAllocator {
  return new BuddyAllocator(new FrameTable(frames), 1);
}

describe('the buddy allocator', () => {
  it('gives blocks of 2^order frames that begin at a multiple of that number', () => {
    const buddy = buddies(4096);
    for (const order of [0, 3, 1, 10, 4, 9]) expect(buddy.allocate(order) % (1 << order)).toBe(0);
  });

  it('gives neighbouring frames one after the other, so that what is written to them can be written as one', () => {
    const buddy = buddies(64);
    expect([0, 0, 0, 0].map((order) => buddy.allocate(order))).toEqual([1, 2, 3, 4]);
  });

  it('splits a larger block and keeps its upper halves', () => {
    const buddy = buddies(16);
    expect(buddy.allocate(0)).toBe(1);
    expect(buddy.allocate(2)).toBe(4);
    expect(buddy.allocate(0)).toBe(2);
    expect(buddy.allocate(1)).toBe(8);
    expect(buddy.allocate(1)).toBe(10);
    expect(buddy.free).toBe(16 - 1 - 1 - 4 - 1 - 2 - 2);
  });

  it('joins a freed block with its buddy, and that with its own', () => {
    const buddy = buddies(32);
    const singles = Array.from({ length: 31 }, () => buddy.allocate(0));
    expect(buddy.allocate(0)).toBe(-1);
    for (const frame of singles) buddy.release(frame, 0);
    expect(buddy.allocate(4)).toBe(16);
    expect(buddy.allocate(3)).toBe(8);
    expect(buddy.allocate(2)).toBe(4);
  });

  it('joins blocks that were skipped for their alignment with what is freed next to them', () => {
    const buddy = buddies(64);
    const [one, two, three] = [buddy.allocate(0), buddy.allocate(0), buddy.allocate(0)];
    expect(buddy.allocate(4)).toBe(16);
    for (const frame of [one, two, three]) buddy.release(frame, 0);
    expect(buddy.allocate(1)).toBe(2);
  });

  it('takes one frame out of a free block, and leaves the rest in blocks as large as they can be', () => {
    const buddy = buddies(64);
    buddy.release(buddy.allocate(5), 5);
    const free = buddy.free;
    expect(buddy.takeOff(37)).toBe(true);
    expect(buddy.takeOff(37)).toBe(false);
    expect(buddy.free).toBe(free - 1);
    expect([4, 3, 1, 0].map((order) => buddy.allocate(order))).toEqual([48, 40, 38, 36]);
    expect(buddy.allocate(4)).toBe(16);
  });

  it('says -1 if no block is large enough, though frames are free', () => {
    const buddy = buddies(32);
    expect(buddy.allocate(5)).toBe(-1);
    expect(buddy.free).toBe(31);
  });

  it('has memory whose size is no multiple of the largest block', () => {
    const buddy = buddies(1024 + 40);
    expect(buddy.allocate(10)).toBe(-1);
    expect(buddy.allocate(5)).toBeGreaterThan(0);
    const rest = Array.from({ length: buddy.free }, () => buddy.allocate(0));
    expect(new Set(rest).size).toBe(1024 + 40 - 1 - 32);
    expect(rest).not.toContain(-1);
  });

  it('never gives a frame twice, whatever is allocated and freed, and has it all back in one piece', () => {
    const step = fc.record({ order: fc.nat(5), free: fc.nat(), frees: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 2, max: 200 }), (steps, count) => {
        const buddy = buddies(count);
        const held: { block: number; order: number }[] = [];
        const taken = new Set<number>();
        const release = (index: number): void => {
          const [{ block, order }] = held.splice(index, 1);
          for (let i = 0; i < 1 << order; i++) taken.delete(block + i);
          buddy.release(block, order);
        };
        for (const { order, free, frees } of steps) {
          if (frees && held.length > 0) {
            release(free % held.length);
            continue;
          }
          const block = buddy.allocate(order);
          if (block < 0) continue;
          expect(block % (1 << order)).toBe(0);
          for (let frame = block; frame < block + (1 << order); frame++) {
            expect(frame >= 1 && frame < count && !taken.has(frame)).toBe(true);
            taken.add(frame);
          }
          held.push({ block, order });
          expect(buddy.free).toBe(count - 1 - taken.size);
        }
        while (held.length > 0) release(0);
        // Frames 2^order to 2^(order + 1) are a block of that order, if memory reaches that far.
        for (let order = Math.floor(Math.log2(count)) - 1; order >= 0; order--) {
          expect(buddy.allocate(order)).toBeGreaterThan(0);
        }
      }),
      { numRuns: 300 },
    );
  });
});
