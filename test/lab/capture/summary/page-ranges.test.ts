import fc from 'fast-check';
import { PageRanges } from '../../../../src/lab/capture/summary/index.js';

function pagesOf(ranges: PageRanges): number[] {
  return ranges.toVaRanges().flatMap(({ start, end }) => {
    const first = Number(start / 4096n);
    return Array.from({ length: Number((end - start) / 4096n) }, (_, i) => first + i);
  });
}

describe('a set of pages', () => {
  it('holds exactly the pages added, in whatever order, as the fewest ranges', () => {
    const run = fc.tuple(fc.nat(200), fc.nat(6));
    fc.assert(
      fc.property(fc.array(run, { maxLength: 60 }), (runs) => {
        const ranges = new PageRanges();
        const expected = new Set<number>();
        for (const [first, more] of runs) {
          ranges.add(first, first + more);
          for (let page = first; page <= first + more; page++) expected.add(page);
        }
        expect(pagesOf(ranges)).toEqual([...expected].sort((a, b) => a - b));
        const list = ranges.toVaRanges();
        expect(list.every(({ start }, i) => i === 0 || start > list[i - 1].end)).toBe(true);
        expect(ranges.approximate).toBe(false);
      }),
    );
  });

  it('can be added to after it was read', () => {
    const ranges = new PageRanges();
    ranges.add(5, 5);
    expect(pagesOf(ranges)).toEqual([5]);
    ranges.add(4, 4);
    ranges.add(9, 9);
    expect(pagesOf(ranges)).toEqual([4, 5, 9]);
  });

  it('reaches to the end of a 64-bit address space', () => {
    const ranges = new PageRanges();
    ranges.add(2 ** 52 - 1, 2 ** 52 - 1);
    expect(ranges.toVaRanges()).toEqual([{ start: 0xffff_ffff_ffff_f000n, end: 1n << 64n }]);
  });

  it('of a sequential file is one range', () => {
    const ranges = new PageRanges();
    for (let page = 0; page < 100_000; page++) ranges.add(page, page);
    expect(ranges.toVaRanges()).toEqual([{ start: 0n, end: 409_600_000n }]);
  });

  it('joins the nearest when there are too many to keep apart, and says so; it never loses a page', () => {
    const ranges = new PageRanges();
    for (let i = 0; i < 70_000; i++) ranges.add(i * 10 + (i % 2), i * 10 + (i % 2));
    const list = ranges.toVaRanges();
    expect(list.length).toBeLessThanOrEqual(65_536);
    expect(ranges.approximate).toBe(true);
    const holds = (page: number): boolean => {
      const address = BigInt(page) * 4096n;
      return list.some(({ start, end }) => start <= address && address < end);
    };
    for (let i = 0; i < 70_000; i += 997) expect(holds(i * 10 + (i % 2))).toBe(true);
  });
});
