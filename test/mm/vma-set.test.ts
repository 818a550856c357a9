import fc from 'fast-check';
import { PAGE_SIZE } from '../../src/base/index.js';
import { VM_READ, Vma, type MmStruct } from '../../src/mm/index.js';
import { VmaSet } from '../../src/mm/vma-set.js';

/** A mapping of pages [start, end): all that the set looks at. */
function mapping(start: number, end: number): Vma {
  return new Vma(null as unknown as MmStruct, start * PAGE_SIZE, end * PAGE_SIZE, VM_READ, start, null);
}

describe('the mappings of an mm', () => {
  const first = mapping(2, 4);
  const second = mapping(4, 6);
  const third = mapping(10, 12);
  const set = new VmaSet();
  for (const vma of [third, first, second]) set.insert(vma);

  it('are found by any address inside', () => {
    const at = (page: number): Vma | null => set.at(page * PAGE_SIZE);
    expect([at(1), at(2), at(3), at(4), at(6), at(11), at(12)]).toEqual([
      null,
      first,
      first,
      second,
      null,
      third,
      null,
    ]);
    expect(set.at(4 * PAGE_SIZE - 1)).toBe(first);
  });

  it('are given in order, as far as they overlap a range', () => {
    expect([...set]).toEqual([first, second, third]);
    expect(set.overlapping(3 * PAGE_SIZE, 10 * PAGE_SIZE)).toEqual([first, second]);
    expect(set.overlapping(6 * PAGE_SIZE, 10 * PAGE_SIZE)).toEqual([]);
  });

  it('have neighbours', () => {
    const before = (page: number): Vma | null => set.before(page * PAGE_SIZE);
    const after = (page: number): Vma | null => set.after(page * PAGE_SIZE);
    expect([before(2), before(4), before(7), before(12)]).toEqual([null, first, second, third]);
    expect([after(0), after(3), after(5), after(11)]).toEqual([first, second, third, null]);
  });

  it('are found no more when they have gone or shrunk, though they were found last', () => {
    const shrinking = new VmaSet();
    const vma = mapping(0, 8);
    shrinking.insert(vma);
    expect(shrinking.at(7 * PAGE_SIZE)).toBe(vma);
    vma.end = 4 * PAGE_SIZE;
    shrinking.changed();
    expect(shrinking.at(7 * PAGE_SIZE)).toBeNull();
    shrinking.remove(vma);
    expect([shrinking.at(0), shrinking.size]).toEqual([null, 0]);
  });

  it('answer as a list that is searched from its start would', () => {
    const gap = fc.record({ hole: fc.nat(3), pages: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(fc.array(gap, { maxLength: 12 }), fc.nat(60), (gaps, page) => {
        let next = 0;
        const vmas = gaps.map(({ hole, pages }) => {
          const start = next + hole;
          next = start + pages;
          return mapping(start, next);
        });
        const sorted = new VmaSet();
        for (const vma of [...vmas].reverse()) sorted.insert(vma);
        const address = page * PAGE_SIZE;
        expect([...sorted]).toEqual(vmas);
        expect(sorted.at(address)).toBe(vmas.find((vma) => vma.start <= address && address < vma.end) ?? null);
        expect(sorted.before(address)).toBe(vmas.findLast((vma) => vma.end <= address) ?? null);
        expect(sorted.after(address)).toBe(vmas.find((vma) => vma.start >= address) ?? null);
      }),
    );
  });
});
