import fc from 'fast-check';
import { MAX_PGOFF, PageIndex, type PageMark } from '../../src/mm/index.js';

const MARKS: readonly PageMark[] = ['dirty', 'writeback', 'towrite'];

describe('the page index of a file', () => {
  it('finds a page by its number, and 0 where there is none', () => {
    const pages = new PageIndex();
    pages.set(700, 42);
    expect([pages.get(700), pages.get(699), pages.get(0), pages.size]).toEqual([42, 0, 0, 1]);
    pages.delete(700);
    expect([pages.get(700), pages.size, pages.next(0, Infinity)]).toEqual([0, 0, -1]);
  });

  it('keeps each mark by itself', () => {
    const pages = new PageIndex();
    pages.set(3, 9);
    pages.setMark(3, 'dirty');
    pages.setMark(3, 'towrite');
    pages.clearMark(3, 'dirty');
    expect(MARKS.map((mark) => pages.hasMark(3, mark))).toEqual([false, false, true]);
    expect(MARKS.map((mark) => pages.anyMarked(mark))).toEqual([false, false, true]);
  });

  it('forgets the marks of a page that goes', () => {
    const pages = new PageIndex();
    pages.set(3, 9);
    pages.set(4, 10);
    pages.setMark(3, 'dirty');
    pages.delete(3);
    pages.set(3, 11);
    expect(pages.hasMark(3, 'dirty')).toBe(false);
  });

  it('marks nothing where no page is near', () => {
    const pages = new PageIndex();
    pages.setMark(5, 'dirty');
    expect(pages.anyMarked('dirty')).toBe(false);
  });

  it('reaches to the last page that a file can have', () => {
    const pages = new PageIndex();
    pages.set(MAX_PGOFF - 1, 8);
    pages.setMark(MAX_PGOFF - 1, 'dirty');
    expect(pages.next(MAX_PGOFF - 1000, Infinity)).toBe(MAX_PGOFF - 1);
    expect(pages.nextMarked(MAX_PGOFF - 1000, Infinity, 'dirty')).toBe(MAX_PGOFF - 1);
  });

  it('looks up pages and marks as a sorted map would', () => {
    const index = fc.oneof(fc.nat(5), fc.integer({ min: 505, max: 520 }), fc.integer({ min: 1500, max: 1540 }));
    const step = fc.record({
      op: fc.constantFrom('set', 'delete', 'mark', 'unmark'),
      index,
      mark: fc.constantFrom(...MARKS),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.tuple(index, index), (steps, [a, b]) => {
        const pages = new PageIndex();
        const model = new Map<number, Set<PageMark>>();
        for (const { op, index: at, mark } of steps) {
          if (op === 'set') {
            pages.set(at, at + 1);
            if (!model.has(at)) model.set(at, new Set());
          } else if (op === 'delete') {
            pages.delete(at);
            model.delete(at);
          } else if (model.has(at)) {
            if (op === 'mark') {
              pages.setMark(at, mark);
              model.get(at)?.add(mark);
            } else {
              pages.clearMark(at, mark);
              model.get(at)?.delete(mark);
            }
          }
        }
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const inside = [...model.keys()].filter((at) => at >= from && at < to).sort((x, y) => x - y);
        expect(pages.size).toBe(model.size);
        expect(pages.next(from, to)).toBe(inside.at(0) ?? -1);
        for (const mark of MARKS) {
          const marked = inside.filter((at) => model.get(at)?.has(mark));
          expect(pages.nextMarked(from, to, mark)).toBe(marked.at(0) ?? -1);
        }
      }),
      { numRuns: 300 },
    );
  });
});
