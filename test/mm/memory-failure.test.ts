import { PAGE_SIZE } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import { fsync, syncfs } from '../../src/fs/index.js';
import {
  ADVICES,
  HMM_PFN_VALID,
  forkMm,
  hmmRangeFault,
  ksmd,
  madvise,
  mlock,
  pinUserPages,
  pteFrame,
  unpinUserPages,
} from '../../src/mm/index.js';
import { Machine, address } from '../support/machine.js';
import { checkInvariants } from '../support/invariants.js';

type Advice = 'hwpoison' | 'soft_offline';

function advising(m: Machine, advice: Advice, page: number, pages = 1): Task {
  return madvise(m.mm, address(page), pages * PAGE_SIZE, ADVICES[advice]);
}

function advise(m: Machine, advice: Advice, page: number, pages = 1): void {
  m.run(advising(m, advice, page, pages));
}

/** Anonymous pages that hold their numbers. */
function anon(pages = 4): Machine {
  const m = new Machine();
  m.mapAnon(pages);
  for (let page = 0; page < pages; page++) m.store(page, page + 1);
  m.log.take();
  return m;
}

/** Addresses of the SIGBUS that a process gets at once. */
function signals(m: Machine): number[] {
  const pages: number[] = [];
  m.kernel.mm.memoryErrors$.subscribe(({ address: at }) => pages.push((at - address(0)) / PAGE_SIZE));
  return pages;
}

/** What a device that faults pages in is told of a page. */
function deviceFault(m: Machine, page: number): unknown {
  const { notifiers, mmapLock } = m.mm;
  const notifier = notifiers.insertInterval(address(page), PAGE_SIZE, { name: 'nic', invalidate: () => undefined });
  const entries = new Int32Array(1);
  return m.run(
    (function* (): Task<unknown> {
      const notifierSeq = yield* notifier.readBegin();
      yield mmapLock.shared;
      const range = { mm: m.mm, notifier, notifierSeq, start: address(page), entries, request: HMM_PFN_VALID };
      const result = yield* hmmRangeFault(range);
      mmapLock.releaseShared();
      return result;
    })(),
  );
}

/** A frame stays out of use: nobody gets it however much is allocated. */
function expectTakenOff(m: Machine, frame: number): void {
  const taken = new Set<number>();
  for (let got = m.memory.allocate(0); got >= 0; got = m.memory.allocate(0)) taken.add(got);
  expect(taken.has(frame)).toBe(false);
  for (const got of taken) m.memory.put(got);
}

describe('MADV_HWPOISON of an anonymous page', () => {
  it('says CLEAR, signals the process, and makes every later access a SIGBUS', () => {
    const m = anon();
    const frame = pteFrame(m.pte(2));
    const signalled = signals(m);
    advise(m, 'hwpoison', 2);
    expect(m.log.takeOnly(/^[<t]/)).toBe('<CLEAR[2,3) t[2,3)');
    expect(signalled).toEqual([2]);
    expect([m.load(2), m.store(2), m.load(1)]).toEqual(['SIGBUS', 'SIGBUS', 2]);
    expect(m.log.take()).toBe('r2(HWPOISON) w2(HWPOISON)');
    expect(deviceFault(m, 2)).toBe('EFAULT');
    expectTakenOff(m, frame);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('does so for all processes that share it; only the one that found it is signalled', () => {
    const m = anon();
    const child = m.run(forkMm(m.mm, 'child'));
    const signalled = signals(m);
    m.log.take();
    advise(m, 'hwpoison', 1);
    expect(signalled).toEqual([1]);
    expect(child.pageTable.get(address(1) / PAGE_SIZE)).toBe(m.pte(1));
    checkInvariants(m.kernel, [m.mm, child]);
  });

  it('is forgotten with MADV_DONTNEED: a fresh page takes its place', () => {
    const m = anon();
    advise(m, 'hwpoison', 2);
    m.run(madvise(m.mm, address(2), PAGE_SIZE, ADVICES.dontneed));
    expect(m.load(2)).toBe(0);
    m.store(2, 9);
    expect(m.load(2)).toBe(9);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is inherited by a child', () => {
    const m = anon();
    advise(m, 'hwpoison', 2);
    const child = m.run(forkMm(m.mm, 'child'));
    expect(child.pageTable.get(address(2) / PAGE_SIZE)).toBe(m.pte(2));
  });

  it('refuses to populate it: EHWPOISON', () => {
    const m = anon();
    advise(m, 'hwpoison', 2);
    expect(m.errno(madvise(m.mm, address(0), 4 * PAGE_SIZE, ADVICES.populate_write))).toBe('EHWPOISON');
  });

  it('takes it from a locked mapping too, and from a device that has it pinned the mapping but not the page', () => {
    const m = anon();
    m.run(mlock(m.mm, address(0), 4 * PAGE_SIZE));
    const pinned = m.run(pinUserPages(m.mm, address(2), PAGE_SIZE, { write: true, longterm: true }));
    advise(m, 'hwpoison', 2);
    expect(m.load(2)).toBe('SIGBUS');
    expect(m.memory.frames.isAllocated(pinned[0])).toBe(true);
    checkInvariants(m.kernel, [m.mm], pinned);
    unpinUserPages(m.kernel.mm, pinned);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('breaks the page for everybody if ksmd has merged it', () => {
    const m = new Machine();
    m.mapAnon(3);
    for (let page = 0; page < 3; page++) m.store(page, 5);
    m.run(madvise(m.mm, address(0), 3 * PAGE_SIZE, ADVICES.mergeable));
    m.run(ksmd(m.kernel.mm, 2));
    m.log.take();
    advise(m, 'hwpoison', 0);
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[2,3) <CLEAR[1,2) <CLEAR[0,1)');
    expect([m.load(0), m.load(2)]).toEqual(['SIGBUS', 'SIGBUS']);
    m.run(ksmd(m.kernel.mm, 1));
    expect(m.kernel.mm.ksm.stable.pagesShared).toBe(0);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is EFAULT where nothing is mapped, or the page is broken already', () => {
    const m = anon();
    advise(m, 'hwpoison', 2);
    expect(m.errno(advising(m, 'hwpoison', 2))).toBe('EFAULT');
    expect(m.errno(advising(m, 'hwpoison', 20))).toBe('EFAULT');
  });

  it('faults in what is not there; the zero page is nothing to be repaired', () => {
    const m = new Machine();
    m.mapAnon(4);
    expect(m.errno(advising(m, 'hwpoison', 1))).toBe('EBUSY');
    expect(m.errno(advising(m, 'hwpoison', 1))).toBe('EHWPOISON');
    expect(m.errno(advising(m, 'soft_offline', 1))).toBeNull();
    expect(m.load(1)).toBe(0);
  });
});

describe('MADV_HWPOISON of a large folio', () => {
  function large(): Machine {
    const m = new Machine();
    m.kernel.mm.mthp64k = 'always';
    m.mapAnon(16);
    for (let page = 0; page < 16; page++) m.store(page, page + 1);
    m.log.take();
    return m;
  }

  it('splits it: a CLEAR of all of it, and one of the page', () => {
    const m = large();
    advise(m, 'hwpoison', 5);
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[0,16) <CLEAR[5,6)');
    expect([m.load(4), m.load(5), m.load(6)]).toEqual([5, 'SIGBUS', 7]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('breaks one page of each folio, however many are asked for', () => {
    const m = large();
    advise(m, 'hwpoison', 5, 3);
    expect([5, 6, 7].map((page) => m.load(page))).toEqual(['SIGBUS', 7, 8]);
  });

  it('cannot help where a device has pinned it: EHWPOISON, a signal, and all stays mapped', () => {
    const m = large();
    const pinned = m.run(pinUserPages(m.mm, address(9), PAGE_SIZE, { write: true, longterm: true }));
    const frame = pteFrame(m.pte(5));
    const signalled = signals(m);
    m.log.take();
    expect(m.errno(advising(m, 'hwpoison', 5))).toBe('EHWPOISON');
    expect(m.log.takeOnly(/^</)).toBe('');
    expect([signalled.length, m.load(5)]).toEqual([1, 6]);
    expect(m.errno(advising(m, 'hwpoison', 5))).toBe('EHWPOISON');
    unpinUserPages(m.kernel.mm, pinned);
    m.munmap(0, 16);
    expectTakenOff(m, frame);
  });
});

describe('MADV_HWPOISON of a page of a file', () => {
  it('loses what was dirty: a SIGBUS, an EIO for the next fsync and syncfs, once, and the old data are read again', () => {
    const m = new Machine();
    const file = m.file(4);
    m.pwrite(file, PAGE_SIZE, [7]);
    m.fsync(file);
    m.mapFile(file);
    m.store(1, 9);
    m.log.take();
    const signalled = signals(m);
    advise(m, 'hwpoison', 1);
    expect(m.log.takeOnly(/^[<c]/)).toBe('<CLEAR[1,2)');
    expect([signalled.length, m.load(1)]).toEqual([1, 'SIGBUS']);
    expect(m.pread(file, PAGE_SIZE, 1)).toEqual([7]);
    expect([m.errno(fsync(file)), m.errno(fsync(file))]).toEqual(['EIO', null]);
    expect([m.errno(syncfs(m.kernel.fs)), m.errno(syncfs(m.kernel.fs))]).toEqual(['EIO', null]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('drops what was clean, after it has looked whether it is, and nobody is signalled', () => {
    const m = new Machine();
    const file = m.file(4);
    m.pwrite(file, PAGE_SIZE, [7]);
    m.fsync(file);
    m.mapFile(file);
    expect(m.load(1)).toBe(7);
    m.log.take();
    const signalled = signals(m);
    advise(m, 'hwpoison', 1);
    expect(m.log.takeOnly(/^</)).toBe('<PROTECTION_PAGE[1,2) <CLEAR[1,2)');
    expect([signalled, m.load(1), m.errno(fsync(file))]).toEqual([[], 7, null]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('says EBUSY if a device has it pinned, and the pin keeps the page', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    expect(m.load(1)).toBe(0);
    const pinned = m.run(pinUserPages(m.mm, address(1), PAGE_SIZE, { write: false, longterm: true }));
    expect(m.errno(advising(m, 'hwpoison', 1))).toBe('EBUSY');
    expect(file.mapping.pages.get(1)).toBe(0);
    checkInvariants(m.kernel, [m.mm], pinned);
  });
});

describe('MADV_SOFT_OFFLINE', () => {
  it('moves the page: one CLEAR, the data stay, and the frame is not used again', () => {
    const m = anon();
    const frame = pteFrame(m.pte(2));
    const signalled = signals(m);
    advise(m, 'soft_offline', 2);
    expect(m.log.takeOnly(/^[<t]/)).toBe('<CLEAR[2,3) t[2,3)');
    expect([m.load(2), m.store(2, 8), m.load(2), signalled.length]).toEqual([3, null, 8, 0]);
    expect(m.log.take()).toBe('');
    expectTakenOff(m, frame);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('moves a dirty page of a file, which stays dirty', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.store(1, 9);
    m.log.take();
    advise(m, 'soft_offline', 1);
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[1,2)');
    expect([m.fsync(file).folios, m.load(1)]).toEqual([1, 9]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('splits a large folio first', () => {
    const m = new Machine();
    m.kernel.mm.mthp64k = 'always';
    m.mapAnon(16);
    for (let page = 0; page < 16; page++) m.store(page, page + 1);
    m.log.take();
    advise(m, 'soft_offline', 5);
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[0,16) <CLEAR[5,6)');
    expect([m.load(5), m.memory.frames.pages(pteFrame(m.pte(4)))]).toEqual([6, 1]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('tries ten times to move what a device has pinned, and says EBUSY', () => {
    const m = anon();
    const pinned = m.run(pinUserPages(m.mm, address(2), PAGE_SIZE, { write: true, longterm: true }));
    m.log.take();
    expect(m.errno(advising(m, 'soft_offline', 2))).toBe('EBUSY');
    expect(m.log.takeOnly(/^</).split(' ').length).toBe(10);
    expect(m.load(2)).toBe(3);
    checkInvariants(m.kernel, [m.mm], pinned);
  });

  it('has nothing to do with the zero page', () => {
    const m = new Machine();
    m.mapAnon(1);
    expect(m.errno(advising(m, 'soft_offline', 0))).toBe('EIO');
  });
});
