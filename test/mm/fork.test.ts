import { PAGE_SIZE } from '../../src/base/index.js';
import {
  ADVICES,
  exitMmap,
  forkMm,
  madvise,
  pinUserPages,
  pteFrame,
  pteWritable,
  userLoad,
  userStore,
  type MmStruct,
} from '../../src/mm/index.js';
import { pageOf } from '../../src/base/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

/** A machine with a process of 8 anonymous pages, each written, and a way to act as its child. */
class Family extends Machine {
  constructor() {
    super();
    this.mapAnon(8);
    for (let page = 0; page < 8; page++) this.store(page, 10 + page);
    this.log.take();
  }

  fork(): MmStruct {
    return this.run(forkMm(this.mm, 'child'));
  }

  loadIn(mm: MmStruct, page: number): number {
    const target = new Uint8Array(1);
    this.run(userLoad(mm, address(page), target));
    return target[0];
  }

  storeIn(mm: MmStruct, page: number, value: number): void {
    this.run(userStore(mm, address(page), 1, Uint8Array.of(value)));
  }
}

describe('fork of private memory', () => {
  it('takes write rights away on both sides, told once for the whole mapping', () => {
    const m = new Family();
    const child = m.fork();
    expect(m.log.take()).toBe('<PROTECTION_PAGE[0,8)> t[all)');
    expect([pteWritable(m.pte(3)), pteWritable(child.pageTable.get(pageOf(address(3))))]).toEqual([false, false]);
    checkInvariants(m.kernel, [m.mm, child]);
  });

  it('gives whoever writes first a copy, and leaves the page to the other', () => {
    const m = new Family();
    const child = m.fork();
    m.log.take();
    m.store(3, 99);
    expect(m.log.take()).toBe('<CLEAR[3,4) t[3,4)> w3');
    expect([m.load(3), m.loadIn(child, 3)]).toEqual([99, 13]);
    m.storeIn(child, 3, 50);
    expect([m.load(3), m.loadIn(child, 3)]).toEqual([99, 50]);
    checkInvariants(m.kernel, [m.mm, child]);
  });

  it('copies pages with a long-term pin at once: the parent keeps what its device has', () => {
    const m = new Family();
    const [frame] = m.run(pinUserPages(m.mm, address(3), PAGE_SIZE, { write: true, longterm: true }));
    m.log.take();
    const child = m.fork();
    expect(pteFrame(m.pte(3))).toBe(frame);
    expect(pteWritable(m.pte(3))).toBe(true);
    expect(pteFrame(child.pageTable.get(pageOf(address(3))))).not.toBe(frame);
    expect(m.loadIn(child, 3)).toBe(13);
  });

  it('skips what MADV_DONTFORK excludes, and wipes what MADV_WIPEONFORK says', () => {
    const m = new Family();
    m.run(madvise(m.mm, address(0), 2 * PAGE_SIZE, ADVICES.dontfork));
    m.run(madvise(m.mm, address(6), 2 * PAGE_SIZE, ADVICES.wipeonfork));
    m.log.take();
    const child = m.fork();
    expect(m.log.take()).toBe('<PROTECTION_PAGE[2,6)> t[all)');
    expect(child.vmas.at(address(1))).toBeNull();
    expect([m.loadIn(child, 5), m.loadIn(child, 7)]).toEqual([15, 0]);
  });

  it('that was never written is not told: there is nothing to protect', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.load(0);
    m.log.take();
    m.run(forkMm(m.mm, 'child'));
    expect(m.log.take()).toBe('t[all)');
  });
});

describe('a large folio that was shared with a child', () => {
  const afterFork = (kept: number): string => {
    const m = new Machine();
    m.kernel.mm.mthp64k = 'always';
    m.mapAnon(16);
    m.store(0, 7);
    const child = m.run(forkMm(m.mm, 'child'));
    m.run(exitMmap(child));
    m.madvise('dontneed', kept, 16 - kept);
    m.log.take();
    m.store(0, 8);
    return m.log.take();
  };

  it('is the parent’s again when the child has gone', () => {
    expect(afterFork(2)).toBe('w0');
  });

  it('is left for a copy when only a page of it is mapped: so it can be freed', () => {
    expect(afterFork(1)).toBe('<CLEAR[0,1) t[0,1)> w0');
  });
});

describe('fork of shared file memory', () => {
  it('copies no entries and tells nobody: the child faults in what it needs', () => {
    const m = new Machine();
    m.mapFile(m.file(4));
    m.store(1, 7);
    m.log.take();
    const child = m.run(forkMm(m.mm, 'child'));
    expect(m.log.take()).toBe('t[all)');
    expect(child.pageTable.get(pageOf(address(1)))).toBe(0);
    m.run(userStore(child, address(1), 1, Uint8Array.of(9)));
    expect(m.load(1)).toBe(9);
  });

  // Recorded (0283-btrfsbig): the child cannot know of a guard unless it gets the page table.
  it('copies all entries where a guard was ever installed, and the guards with them', () => {
    const m = new Family();
    m.mapFile(m.file(4), { at: 100 });
    m.mapFile(m.file(4), { at: 200, share: 'private' });
    m.store(101, 7);
    m.madvise('guard_install', 102, 1);
    m.madvise('guard_install', 202, 1);
    m.madvise('guard_remove', 202, 1);
    m.log.take();
    const child = m.fork();
    expect(m.log.take()).toBe('<PROTECTION_PAGE[0,8)> <PROTECTION_PAGE[200,204)> t[all)');
    const signal = m.run(userLoad(child, address(102), new Uint8Array(1)));
    expect([m.loadIn(child, 101), signal]).toEqual([7, 'SIGSEGV']);
    checkInvariants(m.kernel, [m.mm, child]);
  });
});
