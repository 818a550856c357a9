import fc from 'fast-check';
import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, type Task } from '../../src/engine/index.js';
import { TASK_SIZE, mmap, munmap, VM_READ, VM_WRITE } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { BASE, Machine, address } from '../support/machine.js';

/** Mappings as [first page, end, page of the file or of the address space]. */
function mappings(m: Machine): [number, number, number][] {
  return [...m.mm.vmas].map(({ start, end, pgoff, file }) => {
    const page = (at: number): number => (at - BASE) / PAGE_SIZE;
    return [page(start), page(end), file === null ? pgoff - BASE / PAGE_SIZE : pgoff];
  });
}

describe('mmap', () => {
  it('maps anonymous memory that reads as zeros and keeps what is written', () => {
    const m = new Machine();
    m.mapAnon(4);
    expect(m.load(2)).toBe(0);
    m.store(2, 7);
    expect(m.load(2)).toBe(7);
  });

  it('raises no event where nothing was mapped', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.mapFile(m.file(4), { at: 8 });
    expect(m.log.take()).toBe('');
  });

  it('replaces what lies there: one UNMAP over the whole range, and the old mappings give way', () => {
    const m = new Machine();
    m.mapFile(m.file(16));
    for (const page of [3, 4, 7, 8]) m.store(page);
    m.log.take();
    m.mapAnon(4, { at: 4 });
    expect(m.log.take()).toBe('<UNMAP[4,8) t[4,8)>');
    expect(mappings(m)).toEqual([
      [0, 4, 0],
      [4, 8, 4],
      [8, 16, 8],
    ]);
    expect([m.load(3), m.load(4), m.load(8)]).toEqual([1, 0, 1]);
  });

  it.each([
    ['EINVAL', BASE + 1, PAGE_SIZE],
    ['EINVAL', BASE, 0],
    ['ENOMEM', TASK_SIZE - PAGE_SIZE, 2 * PAGE_SIZE],
    ['ENOMEM', -PAGE_SIZE, PAGE_SIZE],
  ])('says %s for [%d, +%d)', (errno, at, length) => {
    const m = new Machine();
    expect(m.errno(mmap(m.mm, { address: at, length, flags: VM_READ }))).toBe(errno);
    expect(m.mm.vmas.size).toBe(0);
  });

  it('chooses the highest free addresses where none are given', () => {
    const m = new Machine();
    const anywhere = (pages: number): number =>
      m.run(mmap(m.mm, { length: pages * PAGE_SIZE, flags: VM_READ | VM_WRITE })).start;
    const [first, second] = [anywhere(4), anywhere(2)];
    expect(first + 4 * PAGE_SIZE).toBe(TASK_SIZE - 128 * 2 ** 20);
    expect(second + 2 * PAGE_SIZE).toBe(first);

    m.run(munmap(m.mm, first + PAGE_SIZE, 2 * PAGE_SIZE));
    expect(anywhere(3)).toBe(second - 3 * PAGE_SIZE);
    expect(anywhere(2)).toBe(first + PAGE_SIZE);
  });

  it('says ENOMEM where no gap is long enough, and the mm goes on', () => {
    const m = new Machine();
    m.mapAnon(1);
    expect(m.errno(mmap(m.mm, { length: TASK_SIZE, flags: VM_READ }))).toBe('ENOMEM');
    expect(m.errno(mmap(m.mm, { length: TASK_SIZE - BASE - 128 * 2 ** 20, flags: VM_READ }))).toBe('ENOMEM');
    m.mapAnon(1, { at: 3 });
    expect(m.mm.vmas.size).toBe(2);
  });

  it('rounds the length up to whole pages', () => {
    const m = new Machine();
    m.run(mmap(m.mm, { address: BASE, length: PAGE_SIZE + 1, flags: VM_READ | VM_WRITE }));
    expect(mappings(m)).toEqual([[0, 2, 0]]);
  });
});

describe('munmap', () => {
  it('raises one UNMAP over the range of the call, across several mappings and holes', () => {
    const m = new Machine();
    for (const at of [0, 4, 12]) m.mapAnon(3, { at });
    for (const page of [1, 4, 14]) m.store(page);
    m.log.take();
    m.munmap(1, 20);
    expect(m.log.take()).toBe('<UNMAP[1,21)> t[1,15)');
    expect(mappings(m)).toEqual([[0, 1, 0]]);
    expect([m.load(0), m.load(1), m.load(14)]).toEqual([0, 'SIGSEGV', 'SIGSEGV']);
  });

  it('raises nothing where nothing is mapped, even if it was once', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.store(1);
    m.munmap(0, 4);
    m.log.take();
    m.munmap(0, 4);
    m.munmap(100, 1);
    expect(m.log.take()).toBe('');
  });

  it('raises its event though no page is populated', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.munmap(0, 4);
    expect(m.log.take()).toBe('<UNMAP[0,4)>');
  });

  it('flushes the TLB before the end where a page of a file was dirty, after it otherwise', () => {
    const m = new Machine();
    const file = m.file(16);
    m.mapFile(file);
    m.store(5);
    m.load(12);
    m.log.take();
    m.munmap(0, 6);
    m.munmap(6, 10);
    expect(m.log.take()).toBe('<UNMAP[0,6) t[0,6)> <UNMAP[6,16)> t[6,16)');
  });

  it('hands the dirty bit to the folio: what was stored is written by the next fsync', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.store(2);
    m.munmap(0, 4);
    expect(m.fsync(file).folios).toBe(1);
  });

  it('gives anonymous memory back, and leaves the pages of a file to the file', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapAnon(4);
    m.mapFile(file, { at: 8 });
    const before = m.memory.freeFrames;
    m.store(0);
    m.store(8);
    m.munmap(0, 16);
    expect(m.memory.freeFrames).toBe(before - 4);
    expect(file.mapping.pages.size).toBe(4);
  });

  it('frees page tables that nobody shares any more, and no others', () => {
    const m = new Machine();
    m.mapAnon(1024);
    m.mapAnon(8, { at: 1024 });
    m.store(5);
    m.store(520);
    m.store(1030);
    m.munmap(0, 600);
    expect(m.mm.pageTable.leafCount).toBe(2);
    m.munmap(600, 424);
    expect(m.mm.pageTable.leafCount).toBe(1);
    m.munmap(1024, 8);
    expect(m.mm.pageTable.leafCount).toBe(0);
  });

  it('lets faults elsewhere in the mm go on while it waits for a device', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.mapAnon(4, { at: 8 });
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'slow NIC',
        (function* (): Task {
          yield 10 * MS;
        })(),
      );
    });
    const unmapping = m.simulation.spawn('munmap', m.kernel.munmap(m.process, address(0), 4 * PAGE_SIZE), {
      daemon: true,
    });
    m.simulation.runUntil(1 * MS);
    m.store(8, 5);
    expect([m.simulation.now, unmapping.done]).toEqual([1 * MS, false]);
    expect(m.load(0)).toBe('SIGSEGV');
    m.simulation.runUntilIdle();
    expect([m.simulation.now, unmapping.done]).toEqual([10 * MS, true]);
  });

  it('keeps a new mapping of the range waiting until the old one is gone', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.store(1, 9);
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'slow NIC',
        (function* (): Task {
          yield 10 * MS;
        })(),
      );
    });
    m.simulation.spawn('munmap', m.kernel.munmap(m.process, address(0), 4 * PAGE_SIZE), {
      daemon: true,
    });
    m.simulation.runUntil(1 * MS);
    m.mapAnon(4);
    expect(m.simulation.now).toBe(10 * MS);
    expect(m.load(1)).toBe(0);
  });

  it.each([
    ['an unaligned address', BASE + 1, PAGE_SIZE],
    ['no length', BASE, 0],
    ['a range beyond the address space', TASK_SIZE - PAGE_SIZE, 2 * PAGE_SIZE],
  ])('says EINVAL for %s', (_what, at, length) => {
    const m = new Machine();
    expect(m.errno(munmap(m.mm, at, length))).toBe('EINVAL');
  });
});

describe('exit', () => {
  it('says RELEASE to the drivers, then UNMAP of everything', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.mapFile(m.file(4), { at: 600 });
    m.store(1);
    m.store(601);
    const calls: string[] = [];
    const subscription = m.mm.notifiers.insertInterval(address(0), PAGE_SIZE, {
      name: 'odp',
      invalidate: (range, seq) => {
        calls.push(range.event);
        subscription.setSeq(seq);
      },
    });
    m.mm.notifiers.register({ name: 'kvm', release: () => calls.push('release of kvm') });
    m.log.take();
    m.run(m.kernel.exit(m.process));
    expect(calls).toEqual(['RELEASE', 'release of kvm', 'UNMAP']);
    expect(m.log.takeOnly(/^[^i]/)).toBe('mm_release <UNMAP[all) t[all)>');
    expect(m.mm.alive).toBe(false);
  });

  it('waits until a device has let go before it frees a page', () => {
    const m = new Machine();
    m.mapAnon(1);
    m.store(0);
    const before = m.memory.freeFrames;
    m.mm.notifiers.register({
      name: 'nic',
      release: (range) => {
        range.hold(
          'nic',
          (function* (): Task {
            yield 5 * MS;
          })(),
        );
      },
    });
    const exit = m.simulation.spawn('exit', m.kernel.exit(m.process));
    m.simulation.runUntil(4 * MS);
    expect([exit.done, m.memory.freeFrames]).toEqual([false, before]);
    m.simulation.run();
    expect([m.simulation.now, m.memory.freeFrames]).toEqual([5 * MS, before + 1]);
  });

  it('leaks nothing: with its files truncated every frame is free again', () => {
    const m = new Machine();
    const free = m.memory.freeFrames;
    const file = m.file(16);
    m.mapAnon(8);
    m.mapFile(file, { at: 8 });
    m.mapFile(file, { at: 600, share: 'private' });
    for (const page of [0, 1, 8, 9, 600, 603]) m.store(page);
    for (const page of [5, 12, 610]) m.load(page);
    m.munmap(4, 6);
    m.run(m.kernel.exit(m.process));
    checkInvariants(m.kernel, [m.mm]);
    expect([m.mm.vmas.size, m.mm.pageTable.leafCount]).toEqual([0, 0]);
    m.ftruncate(file, 0);
    m.simulation.runUntilIdle();
    expect(m.memory.freeFrames).toBe(free);
  });
});

describe('mappings of one file', () => {
  const call = fc.oneof(
    fc.record({ op: fc.constant('map'), at: fc.nat(30), pages: fc.integer({ min: 1, max: 8 }), offset: fc.nat(8) }),
    fc.record({ op: fc.constant('private'), at: fc.nat(30), pages: fc.integer({ min: 1, max: 8 }), offset: fc.nat(8) }),
    fc.record({ op: fc.constant('anon'), at: fc.nat(30), pages: fc.integer({ min: 1, max: 8 }), offset: fc.nat(0) }),
    fc.record({ op: fc.constant('unmap'), at: fc.nat(30), pages: fc.integer({ min: 1, max: 12 }), offset: fc.nat(0) }),
    fc.record({ op: fc.constant('store'), at: fc.nat(37), pages: fc.constant(1), offset: fc.nat(0) }),
  );

  it('are what was mapped last at each page, whatever was split and replaced before', () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 25 }), (calls) => {
        const m = new Machine();
        const file = m.file(16);
        const model = new Map<number, string>();
        for (const { op, at, pages, offset } of calls) {
          if (op === 'store') m.store(at);
          else if (op === 'unmap') m.munmap(at, pages);
          else if (op === 'anon') m.mapAnon(pages, { at });
          else m.mapFile(file, { at, pages, offset, share: op === 'map' ? 'shared' : 'private' });
          for (let i = 0; i < pages && op !== 'store'; i++) {
            if (op === 'unmap') model.delete(at + i);
            else model.set(at + i, op === 'anon' ? 'anon' : `${op} ${String(offset + i)}`);
          }
        }
        checkInvariants(m.kernel, [m.mm]);
        for (let page = 0; page < 42; page++) {
          const vma = m.mm.vmas.at(address(page));
          const share =
            vma?.file === null
              ? 'anon'
              : `${vma?.isCow === true ? 'private' : 'map'} ${String(vma?.pageIndex(address(page)))}`;
          expect(vma === null ? undefined : share).toBe(model.get(page));
        }
        m.run(m.kernel.exit(m.process));
        expect(file.mapping.iMmap.size).toBe(0);
        checkInvariants(m.kernel, [m.mm]);
      }),
      { numRuns: 60 },
    );
  });
});
