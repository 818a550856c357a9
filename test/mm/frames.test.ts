import { FrameTable, GUP_PIN_COUNTING_BIAS, PG_DIRTY, PG_REFERENCED } from '../../src/mm/index.js';
import { PG_ALLOCATED } from '../../src/mm/page-flags.js';

/** A small folio at frame 1 and one of 16 pages at frame 16, each with one reference. */
function setUp(): FrameTable {
  const frames = new FrameTable(64);
  frames.flags[1] = PG_ALLOCATED;
  frames.refcount[1] = 1;
  frames.compose(16, 4, PG_ALLOCATED);
  frames.refcount[16] = 1;
  return frames;
}

describe('the memmap', () => {
  it('names a folio by its first frame', () => {
    const frames = setUp();
    expect([1, 16, 17, 31].map((frame) => frames.folioOf(frame))).toEqual([1, 16, 16, 16]);
    expect([frames.pages(1), frames.pages(16)]).toEqual([1, 16]);
  });

  it('counts the entries that map any page of a folio', () => {
    const frames = setUp();
    frames.map(17, 1);
    frames.map(17, 2);
    frames.mapHuge(16, 1);
    expect([frames.folioMapcount(16), frames.entireMapcount(16), frames.mapcount[17]]).toEqual([3, 1, 2]);
  });

  it('knows of a large folio that pages of it are mapped no more, while others are', () => {
    const frames = setUp();
    for (const page of [16, 17]) frames.map(page, 1);
    frames.mapHuge(16, 2);
    frames.unmap(17, 1);
    expect(frames.isPartiallyMapped(16)).toBe(false);
    frames.unmapHuge(16, 2);
    expect(frames.isPartiallyMapped(16)).toBe(true);
  });

  it('does not take a large folio of which nothing is mapped any more for one', () => {
    const frames = setUp();
    frames.mapHuge(16, 1);
    frames.unmapHuge(16, 1);
    expect(frames.isPartiallyMapped(16)).toBe(false);
  });

  it('does not lose count of the entries that map a frame: it stops', () => {
    const frames = setUp();
    frames.mapcount[1] = 65_534;
    frames.map(1, 1);
    expect(() => {
      frames.map(1, 1);
    }).toThrow('folio 1 (refcount 1): one more than 65,535 entries would map it');
    expect(frames.mapcount[1]).toBe(65_535);
  });

  it('keeps flags and the order of a folio apart', () => {
    const frames = setUp();
    frames.set(16, PG_DIRTY | PG_REFERENCED);
    expect(frames.testAndClear(16, PG_DIRTY)).toBe(true);
    expect(frames.testAndClear(16, PG_DIRTY)).toBe(false);
    expect([frames.has(16, PG_REFERENCED), frames.order(16)]).toEqual([true, 4]);
  });

  it('has rows for as much of memory as was needed, and keeps what is in them when it gets more', () => {
    const frames = new FrameTable(5000);
    expect(frames.rows).toBe(1024);
    frames.set(1023, PG_DIRTY);
    frames.refcount[1023] = 7;
    frames.reach(1025);
    expect([frames.rows, frames.has(1023, PG_DIRTY), frames.refcount[1023], frames.refcount[1024]]).toEqual([
      2048,
      true,
      7,
      0,
    ]);
    frames.reach(5000);
    expect([frames.rows, frames.count]).toEqual([5000, 5000]);
  });

  it('has a size', () => {
    expect(() => new FrameTable(0)).toThrow('memory must have 1 to 2^26 frames, not 0');
    expect(() => new FrameTable(2 ** 26 + 1)).toThrow(/not 67108865/);
  });
});

describe('a pin', () => {
  it('of a small folio counts as 1024 references', () => {
    const frames = setUp();
    frames.pin(1);
    expect(frames.refcount[1]).toBe(1 + GUP_PIN_COUNTING_BIAS);
    expect(frames.maybeDmaPinned(1)).toBe(true);
    expect(frames.unpin(1)).toBe(false);
    expect(frames.maybeDmaPinned(1)).toBe(false);
  });

  it('of a small folio cannot be told from 1024 references', () => {
    const frames = setUp();
    frames.get(1, GUP_PIN_COUNTING_BIAS - 2);
    expect(frames.maybeDmaPinned(1)).toBe(false);
    frames.get(1);
    expect(frames.maybeDmaPinned(1)).toBe(true);
  });

  it('of a large folio is counted exactly, whichever of its pages is pinned', () => {
    const frames = setUp();
    frames.get(16, 3 * GUP_PIN_COUNTING_BIAS);
    expect(frames.maybeDmaPinned(16)).toBe(false);
    frames.pin(20);
    frames.pin(31);
    expect(frames.refcount[16]).toBe(1 + 3 * GUP_PIN_COUNTING_BIAS + 2);
    frames.unpin(31);
    expect(frames.maybeDmaPinned(16)).toBe(true);
    frames.unpin(20);
    expect(frames.maybeDmaPinned(16)).toBe(false);
  });

  it('may be the last reference, and says so', () => {
    const frames = setUp();
    frames.pin(1);
    expect(frames.drop(1)).toBe(false);
    expect(frames.unpin(1)).toBe(true);
  });

  it('that nobody took cannot be dropped', () => {
    const frames = setUp();
    expect(() => frames.unpin(1)).toThrow('folio 1 (refcount 1): 1024 references dropped');
    expect(() => frames.unpin(20)).toThrow('folio 16 (refcount 1): unpinned, but not pinned');
  });
});

describe('a free folio', () => {
  it('can neither be referenced nor pinned', () => {
    const frames = setUp();
    expect(() => {
      frames.get(5);
    }).toThrow('folio 5 (refcount 0): a reference was taken to a free folio');
    expect(() => {
      frames.pin(5);
    }).toThrow(/a reference was taken to a free folio/);
  });

  it('has no reference to drop', () => {
    expect(() => setUp().drop(5)).toThrow('folio 5 (refcount 0): 1 references dropped');
  });
});
