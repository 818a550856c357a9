import fc from 'fast-check';
import { PageTable } from '../../src/mm/index.js';

const LEAF = 512;
const GIB = 512 * LEAF;

function entries(table: PageTable, from: number, to: number): [number, number][] {
  const seen: [number, number][] = [];
  table.forEach(from, to, (page, pte) => seen.push([page, pte]));
  return seen;
}

describe('a page table', () => {
  it('has no entry where nothing was set', () => {
    const table = new PageTable();
    expect([table.get(0), table.get(2 ** 35 - 1)]).toEqual([0, 0]);
    expect(table.leafCount).toBe(0);
  });

  it('keeps entries up to the end of the address space', () => {
    const table = new PageTable();
    const last = 2 ** 35 - 1;
    table.set(last, -5);
    table.set(2 ** 32, 7);
    expect([table.get(last), table.get(2 ** 32), table.get(0), table.get(last - 1)]).toEqual([-5, 7, 0, 0]);
  });

  it('has a leaf per 2 MiB from the first entry on, even when that is gone again', () => {
    const table = new PageTable();
    table.set(3, 1);
    table.set(4, 1);
    table.set(LEAF, 1);
    expect(table.leafCount).toBe(2);
    table.set(3, 0);
    table.set(4, 0);
    expect([
      table.isPopulatedIn(0, 10),
      table.isPopulatedIn(LEAF, LEAF + 1),
      table.isPopulatedIn(2 * LEAF, GIB),
    ]).toEqual([true, true, false]);
  });

  it('knows whether a table for the gigabyte around a page exists', () => {
    const table = new PageTable();
    table.set(GIB + 5, 1);
    expect([0, GIB, 2 * GIB - 1, 2 * GIB].map((page) => table.hasDirectory(page))).toEqual([false, true, true, false]);
  });

  it('drops a leaf only if the range covers it as a whole', () => {
    const table = new PageTable();
    for (const page of [0, LEAF, 2 * LEAF]) table.set(page, 1);
    for (const page of [0, LEAF, 2 * LEAF]) table.set(page, 0);
    table.freeLeaves(1, 3 * LEAF - 1);
    expect([
      table.isPopulatedIn(0, 1),
      table.isPopulatedIn(LEAF, LEAF + 1),
      table.isPopulatedIn(2 * LEAF, 3 * LEAF),
    ]).toEqual([true, false, true]);
    table.freeLeaves(0, 2 ** 35);
    expect(table.leafCount).toBe(0);
    expect(table.get(2 * LEAF)).toBe(0);
  });

  it('lets the visitor change the entry it is shown', () => {
    const table = new PageTable();
    for (const page of [1, 2, 3]) table.set(page, page);
    table.forEach(0, 10, (page, pte) => {
      table.set(page, pte + 100);
    });
    expect(entries(table, 0, 10)).toEqual([
      [1, 101],
      [2, 102],
      [3, 103],
    ]);
  });

  it('walks what lies in a range, in order, as a map of pages would', () => {
    // Far apart and close together: leaves, gigabytes and holes between them.
    const page = fc.oneof(
      fc.nat(1200),
      fc.nat(1200).map((n) => GIB - 600 + n),
      fc.nat(99).map((n) => 2 ** 34 + n * GIB),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(page, fc.nat(5)), { maxLength: 60 }), fc.tuple(page, page), (sets, [a, b]) => {
        const table = new PageTable();
        const model = new Map<number, number>();
        for (const [at, pte] of sets) {
          table.set(at, pte);
          model.set(at, pte);
        }
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const expected = [...model].filter(([at, pte]) => at >= from && at < to && pte !== 0).sort(([x], [y]) => x - y);
        expect(entries(table, from, to)).toEqual(expected);
        for (const [at, pte] of model) expect(table.get(at)).toBe(pte);
      }),
    );
  });
});
