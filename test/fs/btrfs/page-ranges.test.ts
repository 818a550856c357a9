import { PageRanges } from '../../../src/fs/btrfs/page-ranges.js';

function ranges(...of: [number, number][]): PageRanges {
  const set = new PageRanges();
  for (const [first, end] of of) set.add({ first, end });
  return set;
}

/** The ranges of a set, as they are kept. */
function list(set: PageRanges): [number, number][] {
  const found: [number, number][] = [];
  for (let range = set.from(0); range !== null; range = set.from(range.end)) found.push([range.first, range.end]);
  return found;
}

describe('a set of pages', () => {
  it('makes one of ranges that touch or overlap, and keeps others apart, in order', () => {
    expect(list(ranges([8, 10], [0, 2], [2, 4], [9, 12]))).toEqual([
      [0, 4],
      [8, 12],
    ]);
    expect(list(ranges([0, 1], [4, 5], [8, 9], [1, 8]))).toEqual([[0, 9]]);
  });

  it('knows its pages, and what follows a page', () => {
    const set = ranges([2, 5]);
    expect([1, 2, 4, 5].map((page) => set.has(page))).toEqual([false, true, true, false]);
    expect(set.from(3)).toEqual({ first: 3, end: 5 });
    expect(set.from(0)).toEqual({ first: 2, end: 5 });
    expect(set.from(5)).toBeNull();
  });

  it('gives up a part, which may leave two, and says how many pages that were', () => {
    const set = ranges([0, 10], [20, 22]);
    expect(set.remove({ first: 4, end: 6 })).toBe(2);
    expect(set.remove({ first: 8, end: 21 })).toBe(3);
    expect(set.remove({ first: 8, end: 20 })).toBe(0);
    expect(list(set)).toEqual([
      [0, 4],
      [6, 8],
      [21, 22],
    ]);
  });

  it('does not count a range that is none', () => {
    const set = ranges([3, 3]);
    expect(set.empty).toBe(true);
    set.add({ first: 1, end: 2 });
    set.clear();
    expect(set.empty).toBe(true);
  });
});
