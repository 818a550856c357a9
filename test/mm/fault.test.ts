import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, US, type Task } from '../../src/engine/index.js';
import {
  PG_DIRTY,
  PTE_DIRTY,
  PTE_WRITE,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  ZERO_FRAME,
  handleMmFault,
  mmap,
  pteFrame,
  ptePresent,
  pteWritable,
  type MappedFile,
  type MmFault,
} from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';
import { shmemFile } from '../support/shmem-file.js';

describe('a fault on anonymous memory', () => {
  it('for reading maps the zero page, read-only, and takes no memory', () => {
    const m = new Machine();
    m.mapAnon(4);
    const before = m.memory.freeFrames;
    expect(m.load(1)).toBe(0);
    expect([pteFrame(m.pte(1)), pteWritable(m.pte(1))]).toEqual([ZERO_FRAME, false]);
    expect(m.memory.freeFrames).toBe(before);
    expect(m.log.take()).toBe('r1');
  });

  it('for writing maps a zeroed page of its own, writable and dirty, without an event', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.run(m.kernel.store(m.process, address(1) + 100, 1, Uint8Array.of(8)));
    expect([m.load(1), pteWritable(m.pte(1)), (m.pte(1) & PTE_DIRTY) !== 0]).toEqual([0, true, true]);
    expect(m.log.take()).toBe('w1');
    checkInvariants(m.kernel, [m.mm]);
  });

  it('happens once: the next access finds the entry', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.store(1);
    m.log.take();
    m.store(1);
    m.load(1);
    expect(m.log.take()).toBe('');
  });

  it('of two threads at once gives the page to one of them', () => {
    const m = new Machine({ costs: { minorFault: 1000, pageMkwrite: 0, pteFlush: 0 } });
    m.mapAnon(1);
    const before = m.memory.freeFrames;
    m.simulation.spawn('one', m.storing(0));
    m.simulation.spawn('two', m.storing(0));
    m.simulation.run();
    expect(m.memory.freeFrames).toBe(before - 1);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('of two threads that both had to wait for memory, too', () => {
    const m = new Machine({ memory: 4 * PAGE_SIZE });
    const held = [0, 0, 0].map((order) => m.memory.allocate(order));
    m.kernel.mm.reclaimer = function* (): Task<number> {
      yield 1000;
      m.memory.put(held.pop() ?? -1);
      return 1;
    };
    m.mapAnon(1);
    m.simulation.spawn('one', m.storing(0, 1));
    m.simulation.spawn('two', m.storing(0, 2));
    m.simulation.run();
    expect([m.load(0), m.memory.freeFrames, held.length]).toEqual([2, 1, 1]);
  });

  it('says ENOMEM when memory has run out', () => {
    const m = new Machine({ memory: 8 * PAGE_SIZE });
    m.mapAnon(16);
    for (let page = 0; page < 7; page++) m.store(page);
    expect(m.errno(m.storing(7))).toBe('ENOMEM');
  });
});

describe('a read fault on a file', () => {
  it('reads the page from the disk once, and maps it read-only though the mapping is writable', () => {
    const m = new Machine();
    m.mapFile(m.file(4));
    m.load(2);
    const took = m.simulation.now;
    expect(took).toBeGreaterThanOrEqual(80 * US);
    expect([ptePresent(m.pte(2)), pteWritable(m.pte(2))]).toEqual([true, false]);
    m.run(m.kernel.madviseDontneed(m.process, address(0), 4 * PAGE_SIZE));
    m.load(2);
    expect(m.simulation.now).toBe(took);
  });

  it('of a hole costs no I/O', () => {
    const m = new Machine();
    m.mapFile(m.file(4, 'hole'));
    expect([m.load(2), m.simulation.now]).toEqual([0, 0]);
  });

  it('maps what is in the cache around it too, within 16 pages, the mapping and the file', () => {
    const m = new Machine();
    const file = m.file(40);
    for (const page of [3, 15, 16, 18, 20, 31, 32]) m.run(m.kernel.pwrite(file, page * PAGE_SIZE, PAGE_SIZE));
    m.mapFile(file, { pages: 31 });
    m.log.take();
    m.load(18);
    const mapped = Array.from({ length: 40 }, (_, page) => page).filter((page) => ptePresent(m.pte(page)));
    expect(mapped).toEqual([16, 18, 20]);
    m.load(20);
    expect(m.log.take()).toBe('r18');
    checkInvariants(m.kernel, [m.mm]);
  });

  it('does not map around it what is locked', () => {
    const m = new Machine();
    const file = m.file(4);
    for (const page of [1, 2]) m.pread(file, page * PAGE_SIZE, 1);
    m.mapFile(file);
    m.run(
      (function* (): Task {
        const folio = file.mapping.pages.get(1);
        yield* m.memory.lockFolio(folio);
        yield* m.loading(2);
        m.memory.unlockFolio(folio);
      })(),
    );
    expect([1, 2].map((page) => ptePresent(m.pte(page)))).toEqual([false, true]);
  });

  it('waits for a page that another task brings in, and reads it once', () => {
    const m = new Machine();
    m.mapFile(m.file(4));
    m.simulation.spawn('one', m.loading(2));
    m.simulation.spawn('two', m.loading(2));
    m.simulation.run();
    expect(m.simulation.now).toBeLessThan(2 * 80 * US);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a write fault on a shared file mapping', () => {
  it('calls page_mkwrite, dirties the folio and maps it writable, without an event', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.store(2, 6);
    expect(m.log.take()).toBe('mk2 w2');
    expect(pteWritable(m.pte(2))).toBe(true);
    expect(m.memory.frames.has(file.mapping.pages.get(2), PG_DIRTY)).toBe(true);
    expect(m.pread(file, 2 * PAGE_SIZE, 1)).toEqual([6]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('holds the folio lock from page_mkwrite until the entry is there', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.load(0);
    const folio = file.mapping.pages.get(0);
    const seen: boolean[] = [];
    const { pageTable } = m.mm;
    const set = pageTable.set.bind(pageTable);
    pageTable.set = (page, pte) => {
      seen.push(m.memory.isLocked(folio));
      set(page, pte);
    };
    m.store(0);
    // The entry is widened under the lock; then the processor sets its bits in it.
    expect(seen).toEqual([true, false]);
  });
});

describe('a fault on a shared file that does not track writes (shmem)', () => {
  function mapShmem(m: Machine): MappedFile {
    const file = shmemFile(m);
    const flags = VM_READ | VM_WRITE | VM_SHARED;
    m.run(mmap(m.mm, { address: address(0), length: 4 * PAGE_SIZE, flags, file: { file, pgoff: 0 } }));
    return file;
  }

  it('for reading maps the page writable at once, clean as it is', () => {
    const m = new Machine();
    const file = mapShmem(m);
    m.load(1);
    expect([pteWritable(m.pte(1)), m.pte(1) & PTE_DIRTY]).toEqual([true, 0]);
    m.log.take();
    m.store(1);
    expect([m.log.take(), (m.pte(1) & PTE_DIRTY) !== 0]).toEqual(['', true]);
    expect(m.memory.frames.has(file.mapping.pages.get(1), PG_DIRTY)).toBe(false);
    m.munmap(0, 4);
    expect(m.memory.frames.has(file.mapping.pages.get(1), PG_DIRTY)).toBe(true);
  });

  it('for writing dirties the folio without page_mkwrite, on a missing page and on one that is read-only', () => {
    const m = new Machine();
    const file = mapShmem(m);
    m.store(1);
    const folio = file.mapping.pages.get(1);
    expect([m.log.take(), m.memory.frames.has(folio, PG_DIRTY)]).toEqual(['w1', true]);
    m.memory.frames.clear(folio, PG_DIRTY);
    m.changeEntry(1, m.pte(1) & ~(PTE_WRITE | PTE_DIRTY));
    m.store(1);
    expect([m.log.take(), m.memory.frames.has(folio, PG_DIRTY)]).toEqual(['w1', true]);
  });
});

describe('a write fault on a private file mapping', () => {
  it('copies at once: the file is not touched, page_mkwrite not called', () => {
    const m = new Machine();
    const file = m.file(4);
    m.pwrite(file, PAGE_SIZE, [4, 5]);
    m.mapFile(file, { share: 'private' });
    m.log.take();
    m.store(1, 9);
    expect(m.log.take()).toBe('w1');
    const target = new Uint8Array(2);
    m.run(m.kernel.load(m.process, address(1), target));
    expect([...target]).toEqual([9, 5]);
    expect(m.pread(file, PAGE_SIZE, 2)).toEqual([4, 5]);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('an access that is not allowed', () => {
  it('is SIGSEGV where nothing is mapped, and for writing to a read-only mapping', () => {
    const m = new Machine();
    m.mapAnon(2, { prot: 'r' });
    expect([m.load(5), m.store(5), m.store(1), m.load(1)]).toEqual(['SIGSEGV', 'SIGSEGV', 'SIGSEGV', 0]);
  });

  it('is SIGBUS behind the end of the file, by whole pages', () => {
    const m = new Machine();
    const file = m.file(2);
    m.ftruncate(file, PAGE_SIZE + 1);
    m.mapFile(file, { pages: 4 });
    m.log.take();
    expect([m.load(1), m.load(2), m.store(3)]).toEqual([0, 'SIGBUS', 'SIGBUS']);
    expect(m.log.take()).toBe('r1 r2(SIGBUS) w3(SIGBUS)');
    m.run(m.kernel.pwrite(file, 2 * PAGE_SIZE, 1, null));
    expect(m.load(2)).toBe(0);
  });

  it('that spans two pages stops at the second, and the first has changed', () => {
    const m = new Machine();
    m.mapAnon(1);
    const signal = m.run(m.kernel.store(m.process, address(1) - 2, 4, Uint8Array.of(1, 2, 3, 4)));
    const target = new Uint8Array(2);
    m.run(m.kernel.load(m.process, address(1) - 2, target));
    expect([signal, [...target]]).toEqual(['SIGSEGV', [1, 2]]);
  });
});

describe('handle_mm_fault', () => {
  it('reports every fault, and what became of it', () => {
    const m = new Machine();
    const faults: MmFault[] = [];
    m.kernel.faults$.subscribe((fault) => faults.push(fault));
    m.mapFile(m.file(1), { pages: 2 });
    m.store(0);
    m.load(1);
    expect(faults.map(({ address: at, write, signal }) => [at - address(0), write, signal])).toEqual([
      [0, true, null],
      [PAGE_SIZE, false, 'SIGBUS'],
    ]);
  });

  it('takes the time of a minor fault, and more for page_mkwrite', () => {
    const m = new Machine({ costs: { minorFault: 500, pageMkwrite: 700, pteFlush: 0 } });
    m.mapFile(m.file(2, 'hole'));
    m.load(0);
    expect(m.simulation.now).toBe(500);
    m.store(0);
    expect(m.simulation.now).toBe(500 + 500 + 700);
  });

  it('takes the wish for a page of its own for a plain read, if the mapping is shared', () => {
    const m = new Machine();
    const vma = m.mapFile(m.file(1));
    m.run(handleMmFault(vma, address(0), false, true));
    expect([m.log.take(), pteWritable(m.pte(0))]).toEqual(['r0', false]);
  });

  it('sleeps under mmap_lock shared: other faults go on, an mmap waits', () => {
    const m = new Machine();
    m.mapFile(m.file(2));
    m.mapAnon(1, { at: 8 });
    m.simulation.spawn('reader', m.loading(0), { daemon: true });
    m.simulation.runUntil(10 * US);
    m.store(8);
    expect(m.simulation.now).toBe(10 * US);
    m.mapAnon(1, { at: 9 });
    expect(m.simulation.now).toBeGreaterThan(80 * US);
    expect(m.simulation.now).toBeLessThan(1 * MS);
  });
});
