import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, type Task } from '../../src/engine/index.js';
import { VM_READ, VM_WRITE, mprotect } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { BASE, Machine, address } from '../support/machine.js';

/** Mappings as [first page, end). */
function mappings(m: Machine): [number, number][] {
  return [...m.mm.vmas].map(({ start, end }) => [(start - BASE) / PAGE_SIZE, (end - BASE) / PAGE_SIZE]);
}

describe('mappings that are alike', () => {
  it('become one when they are neighbours, in memory and in the file', () => {
    const m = new Machine();
    const file = m.file(16);
    m.mapFile(file, { at: 0, pages: 4 });
    m.mapFile(file, { at: 4, pages: 4, offset: 4 });
    m.mapFile(file, { at: 8, pages: 4, offset: 9 });
    expect(mappings(m)).toEqual([
      [0, 8],
      [8, 12],
    ]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('become one again when rights that were taken from a part are given back', () => {
    const m = new Machine();
    m.mapAnon(12);
    m.store(1);
    m.run(mprotect(m.mm, address(4), 4 * PAGE_SIZE, VM_READ));
    expect(mappings(m)).toEqual([
      [0, 4],
      [4, 8],
      [8, 12],
    ]);
    m.run(mprotect(m.mm, address(4), 4 * PAGE_SIZE, VM_READ | VM_WRITE));
    expect(mappings(m)).toEqual([[0, 12]]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('are all that a file has mapped, at any time: no walk meets a part of one', () => {
    const m = new Machine();
    const file = m.file(8);
    m.mapFile(file, { at: 0, pages: 4 });
    const { iMmap, iMmapLock } = file.mapping;
    const seen: number[] = [];
    /** Looks at the mappings of the file from `at` on, for 1 ms. */
    const walk = function* (at: number): Task {
      yield at * MS;
      yield iMmapLock.shared;
      let pages = 0;
      iMmap.forEachOverlap(0, 7, (vma) => (pages += (vma.end - vma.start) / PAGE_SIZE));
      seen.push(pages);
      yield 1 * MS;
      iMmapLock.releaseShared();
    };
    m.simulation.spawn('first', walk(0));
    m.simulation.spawn(
      'mmap',
      (function* (): Task {
        yield 0.5 * MS;
        yield* m.kernel.mmap(m.process, {
          address: address(4),
          length: 4 * PAGE_SIZE,
          prot: 'rw',
          share: 'shared',
          file: { inode: file, offset: 4 * PAGE_SIZE },
        });
      })(),
    );
    for (const at of [0.7, 1.5, 2.5]) m.simulation.spawn(`walk at ${String(at)}`, walk(at));
    m.simulation.run();
    expect(seen).toEqual([4, 8, 8, 8]);
    expect(mappings(m)).toEqual([[0, 8]]);
    checkInvariants(m.kernel, [m.mm]);
  });
});
