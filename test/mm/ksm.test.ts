import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, type Task } from '../../src/engine/index.js';
import {
  ADVICES,
  exitMmap,
  forkMm,
  ksmd,
  madvise,
  mremap,
  pinUserPages,
  pteFrame,
  pteWritable,
  unpinUserPages,
  type MmStruct,
} from '../../src/mm/index.js';
import { migratePages } from '../../src/mm/migrate.js';
import { Machine, address } from '../support/machine.js';
import { checkInvariants } from '../support/invariants.js';

function advise(m: Machine, advice: keyof typeof ADVICES, page: number, pages: number): void {
  m.run(madvise(m.mm, address(page), pages * PAGE_SIZE, ADVICES[advice]));
}

function scan(m: Machine, scans: number): void {
  m.run(ksmd(m.kernel.mm, scans));
}

/** Pages that can be merged, each with the given byte at its start. */
function setUp(bytes: readonly number[]): Machine {
  const m = new Machine();
  m.mapAnon(bytes.length);
  bytes.forEach((byte, page) => m.store(page, byte));
  advise(m, 'mergeable', 0, bytes.length);
  m.log.take();
  return m;
}

function counts(m: Machine): [shared: number, sharing: number] {
  const { pagesShared, pagesSharing } = m.kernel.mm.ksm.stable;
  return [pagesShared, pagesSharing];
}

function frames(m: Machine, pages: readonly number[], mm: MmStruct = m.mm): number[] {
  return pages.map((page) => pteFrame(mm.pageTable.get(address(page) / PAGE_SIZE)));
}

describe('ksmd', () => {
  it('only remembers in its first scan what pages hold', () => {
    const m = setUp([5, 5, 5]);
    scan(m, 1);
    expect([m.log.take(), ...counts(m)]).toEqual(['', 0, 0]);
  });

  it('merges in the second scan: the later page first, then the earlier, each further one in two CLEARs', () => {
    const m = setUp([5, 5, 5]);
    const free = m.memory.freeFrames;
    scan(m, 2);
    expect(m.log.take()).toBe(
      '<CLEAR[1,2) t[1,2)> <CLEAR[0,1) t[0,1)> <CLEAR[0,1) t[0,1)> <CLEAR[2,3) t[2,3)> <CLEAR[2,3) t[2,3)>',
    );
    expect(counts(m)).toEqual([1, 2]);
    expect(new Set(frames(m, [0, 1, 2])).size).toBe(1);
    expect(m.memory.freeFrames).toBe(free + 2);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('says nothing of pages that are merged already', () => {
    const m = setUp([5, 5]);
    scan(m, 2);
    m.log.take();
    scan(m, 5);
    expect([m.log.take(), ...counts(m)]).toEqual(['', 1, 1]);
  });

  it('leaves alone what changes from scan to scan, what differs and what may not be merged', () => {
    const m = setUp([5, 5, 6, 7]);
    m.mapAnon(1, { at: 10 });
    m.store(10, 6);
    m.log.take();
    for (let i = 0; i < 4; i++) {
      scan(m, 1);
      m.store(1, 20 + i);
    }
    expect(m.log.takeOnly(/</)).toBe('');
    expect(counts(m)).toEqual([0, 0]);
  });

  it('looks less often at pages that it could not merge three times, and finds them in the end', () => {
    const m = setUp([5, 6]);
    scan(m, 4);
    m.store(0, 6);
    // The fifth scan passes over both; the sixth sees that one has changed, the next but one that it is as it was.
    for (let i = 0; i < 9 && counts(m)[0] === 0; i++) scan(m, 1);
    expect(counts(m)).toEqual([1, 1]);
  });

  it('makes another merged page when one has as many mappings as it may', () => {
    const m = setUp(new Array<number>(7).fill(5));
    m.kernel.mm.ksm.stable.maxPageSharing = 3;
    scan(m, 2);
    expect(counts(m)).toEqual([2, 4]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('puts the zero page in place of zeros if it is told to, and takes it away again', () => {
    const m = setUp([0, 0]);
    m.kernel.mm.ksm.useZeroPages = true;
    scan(m, 2);
    expect(frames(m, [0, 1])).toEqual([0, 0]);
    expect(counts(m)).toEqual([0, 0]);
    m.log.take();
    advise(m, 'unmergeable', 0, 2);
    expect(m.log.take()).toBe('<CLEAR[0,1) t[0,1)> u0 <CLEAR[1,2) t[1,2)> u1');
    checkInvariants(m.kernel, [m.mm]);
  });

  it('splits a large folio, of which it first has one reference too many', () => {
    const m = new Machine();
    m.kernel.mm.mthp64k = 'always';
    m.mapAnon(16);
    for (let page = 0; page < 16; page++) m.store(page, page < 2 ? 5 : 10 + page);
    advise(m, 'mergeable', 0, 16);
    m.log.take();
    scan(m, 2);
    expect(m.log.takeOnly(/</)).toBe('<CLEAR[0,16)');
    scan(m, 1);
    expect(m.log.takeOnly(/</)).toBe('<CLEAR[1,2) <CLEAR[0,1) <CLEAR[0,1)');
    expect(counts(m)).toEqual([1, 1]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('merges nothing that a device has pinned, and undoes the half that it had done', () => {
    const m = setUp([5, 5]);
    const pinned = m.run(pinUserPages(m.mm, address(0), PAGE_SIZE, { write: true, longterm: true }));
    m.log.take();
    scan(m, 2);
    expect(m.log.takeOnly(/[<u]/)).toBe('<CLEAR[1,2) <CLEAR[0,1) <CLEAR[1,2) u1');
    expect(counts(m)).toEqual([0, 0]);
    checkInvariants(m.kernel, [m.mm], pinned);
    unpinUserPages(m.kernel.mm, pinned);
    // Not at once: the attempts before have made it patient.
    scan(m, 6);
    expect(counts(m)).toEqual([1, 1]);
  });

  it('lets a device go on until it has let go of the page', () => {
    const m = setUp([5, 5]);
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'nic',
        (function* (): Task {
          yield 1 * MS;
        })(),
      );
    });
    const began = m.simulation.now;
    scan(m, 2);
    expect(m.simulation.now - began).toBe(3 * MS);
    expect(counts(m)).toEqual([1, 1]);
  });

  it('does not merge a page that was written to while a device was waited for', () => {
    const m = setUp([5, 5, 5]);
    scan(m, 2);
    m.mapAnon(1, { at: 5 });
    m.store(5, 5);
    advise(m, 'mergeable', 5, 1);
    scan(m, 1);
    m.kernel.invalidations$.subscribe((range) => {
      if (range.start !== address(5)) return;
      range.hold(
        'nic',
        (function* (): Task {
          yield* m.storing(5, 9);
        })(),
      );
    });
    scan(m, 1);
    expect(m.load(5)).toBe(9);
    expect(counts(m)).toEqual([1, 2]);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a merged page', () => {
  function merged(): Machine {
    const m = setUp([5, 5, 5, 5]);
    scan(m, 2);
    m.log.take();
    return m;
  }

  it('is read by all, and copied by whoever writes, also by the last one', () => {
    const m = merged();
    expect([m.load(0), m.load(3), m.log.take()]).toEqual([5, 5, '']);
    for (const page of [0, 1, 2, 3]) m.store(page, 10 + page);
    expect(m.log.takeOnly(/[<w]/)).toBe('<CLEAR[0,1) w0 <CLEAR[1,2) w1 <CLEAR[2,3) w2 <CLEAR[3,4) w3');
    expect([0, 1, 2, 3].map((page) => m.load(page))).toEqual([10, 11, 12, 13]);
    scan(m, 1);
    expect(counts(m)).toEqual([0, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('becomes the process’s own again with MADV_UNMERGEABLE: a fault to unshare, and a CLEAR, each', () => {
    const m = merged();
    m.store(1, 9);
    m.log.take();
    advise(m, 'unmergeable', 0, 4);
    expect(m.log.take()).toBe('<CLEAR[0,1) t[0,1)> u0 <CLEAR[2,3) t[2,3)> u2 <CLEAR[3,4) t[3,4)> u3');
    expect(pteWritable(m.pte(0))).toBe(false);
    m.store(0, 7);
    expect([m.log.take(), m.load(0), m.load(2)]).toEqual(['w0', 7, 5]);
    scan(m, 3);
    expect(counts(m)).toEqual([0, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is replaced before a device pins it, even for reading', () => {
    const m = merged();
    const pinned = m.run(pinUserPages(m.mm, address(2), PAGE_SIZE, { write: false, longterm: true }));
    expect(m.log.takeOnly(/^[<u][C\d]/)).toBe('<CLEAR[2,3) u2');
    expect(frames(m, [2])).toEqual([...pinned]);
    unpinUserPages(m.kernel.mm, pinned);
  });

  it('is not moved by mremap: what is moved is a copy', () => {
    const m = merged();
    m.run(mremap(m.mm, address(2), 2 * PAGE_SIZE, 2 * PAGE_SIZE, { to: address(8), dontunmap: false }));
    expect(m.log.takeOnly(/[<u]/)).toMatch(/^<CLEAR\[2,3\) u2 <CLEAR\[3,4\) u3 <UNMAP/);
    expect([m.load(8), m.load(9), m.load(0)]).toEqual([5, 5, 5]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('migrates: every mapping is told, the one that was merged last first, and ksmd still knows it', () => {
    const m = merged();
    const folio = pteFrame(m.pte(0));
    m.run(
      (function* (): Task {
        m.memory.frames.get(folio);
        yield* migratePages(m.kernel.mm, [folio], 0);
      })(),
    );
    expect(m.log.takeOnly(/</)).toBe('<CLEAR[3,4) <CLEAR[2,3) <CLEAR[1,2) <CLEAR[0,1)');
    expect(pteFrame(m.pte(0))).not.toBe(folio);
    m.mapAnon(1, { at: 10 });
    m.store(10, 5);
    advise(m, 'mergeable', 10, 1);
    scan(m, 2);
    expect(counts(m)).toEqual([1, 4]);
    expect(frames(m, [10])).toEqual(frames(m, [0]));
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is shared with a child, whose mappings ksmd comes to later', () => {
    const m = merged();
    const child = m.run(forkMm(m.mm, 'child'));
    expect(frames(m, [0], child)).toEqual(frames(m, [0]));
    scan(m, 1);
    expect(counts(m)).toEqual([1, 7]);
    m.run(exitMmap(child));
    scan(m, 1);
    expect(counts(m)).toEqual([1, 3]);
    checkInvariants(m.kernel, [m.mm, child]);
  });

  it('goes with the last mapping', () => {
    const m = merged();
    const free = m.memory.freeFrames;
    m.munmap(0, 4);
    expect(m.memory.freeFrames).toBe(free + 1);
    scan(m, 2);
    expect([...counts(m), m.kernel.mm.ksm.slots.length]).toEqual([0, 0, 0]);
  });
});

describe('a process that exits while ksmd is at work in it', () => {
  it('waits for ksmd, which then forgets it', () => {
    const m = setUp([5, 5]);
    m.kernel.invalidations$.subscribe((range) => {
      if (range.event !== 'CLEAR') return;
      range.hold(
        'nic',
        (function* (): Task {
          yield 1 * MS;
        })(),
      );
    });
    m.simulation.spawn('ksmd', ksmd(m.kernel.mm, 2));
    m.simulation.spawn(
      'exit',
      (function* (): Task {
        yield 0.5 * MS;
        yield* m.kernel.exit(m.process);
      })(),
    );
    m.simulation.run();
    expect(m.kernel.mm.ksm.slots).toEqual([]);
    expect(counts(m)).toEqual([0, 0]);
    checkInvariants(m.kernel, []);
  });
});
