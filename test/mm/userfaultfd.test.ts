import { PAGE_SIZE } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import { Userfaultfd, forkMm, mlock, mremap, pinUserPages, type UffdMessage } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

const BOTH = { missing: true, wp: true };

/** A machine whose process watches pages [0, 8) of 16 anonymous ones, and what its handler has been told. */
class Watched extends Machine {
  readonly uffd = new Userfaultfd(this.mm);
  readonly seen: string[] = [];

  constructor(modes = BOTH) {
    super();
    this.mapAnon(16);
    this.run(this.uffd.register(address(0), 8 * PAGE_SIZE, modes));
    this.simulation.spawn('handler', this.handler(), { daemon: true });
  }

  protect(page: number, pages: number, on: boolean): void {
    this.run(this.uffd.writeProtect(address(page), pages * PAGE_SIZE, on));
  }

  private *handler(): Task {
    for (;;) {
      const message = yield* this.uffd.read();
      this.seen.push(word(message));
      if (message.wp) yield* this.uffd.writeProtect(message.address, PAGE_SIZE, false);
      else yield* this.uffd.zeropage(message.address, PAGE_SIZE);
    }
  }
}

function word({ address: at, write, wp }: UffdMessage): string {
  return `${wp ? 'wp' : 'missing'}:${write ? 'w' : 'r'}${String((at - address(0)) / PAGE_SIZE)}`;
}

describe('userfaultfd: pages that are missing', () => {
  it('come from the handler; an attempt that waited for it is no fault of its own', () => {
    const m = new Watched();
    expect(m.load(3)).toBe(0);
    expect(m.seen).toEqual(['missing:r3']);
    expect(m.log.take()).toBe('r3(retry) r3');
  });

  it('are the zero page, so that a write replaces it: a CLEAR that nobody sees without a userfaultfd', () => {
    const m = new Watched();
    m.store(3, 7);
    expect(m.seen).toEqual(['missing:w3']);
    expect(m.log.take()).toBe('w3(retry) <CLEAR[3,4) t[3,4)> w3');
    expect(m.load(3)).toBe(7);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('are not missed where nothing is registered', () => {
    const m = new Watched();
    m.store(9);
    expect(m.seen).toEqual([]);
  });

  it('wait for the handler in pins and mlock, too', () => {
    const m = new Watched();
    m.run(pinUserPages(m.mm, address(0), 2 * PAGE_SIZE, { write: true, longterm: true }));
    m.run(mlock(m.mm, address(4), PAGE_SIZE));
    expect(m.seen).toEqual(['missing:w0', 'missing:w1', 'missing:w4']);
  });
});

describe('userfaultfd: write protection', () => {
  it('is told over the range in both directions, and at each write that the handler lets through', () => {
    const m = new Watched({ missing: false, wp: true });
    for (const page of [2, 3, 4]) m.store(page);
    m.log.take();
    m.protect(2, 3, true);
    expect(m.log.take()).toBe('<PROTECTION_VMA[2,5)> t[2,5)');
    expect(m.load(3)).toBe(1);
    m.store(3, 9);
    expect(m.seen).toEqual(['wp:w3']);
    expect(m.log.take()).toBe('<PROTECTION_VMA[3,4)> t[3,4) w3(retry) w3');
    m.protect(2, 3, false);
    expect(m.log.take()).toBe('<PROTECTION_VMA[2,5)> t[2,5)');
    m.store(2, 8);
    expect([m.seen.length, m.load(2), m.load(3)]).toEqual([1, 8, 9]);
  });

  it('outlives a fork, of pages that are swapped out, too', () => {
    const m = new Watched({ missing: false, wp: true });
    m.store(1);
    m.protect(0, 8, true);
    m.madvise('pageout', 1, 1);
    m.run(forkMm(m.mm, 'child'));
    m.store(1, 2);
    expect(m.seen).toEqual(['wp:w1']);
  });

  it('ends with the registration', () => {
    const m = new Watched({ missing: false, wp: true });
    m.store(1);
    m.protect(0, 8, true);
    m.log.take();
    m.run(m.uffd.unregister(address(0), 8 * PAGE_SIZE));
    expect(m.log.take()).toBe('<PROTECTION_VMA[0,8)> t[1,2)');
    m.store(1, 2);
    expect(m.seen).toEqual([]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('of memory that is registered for missing pages only is ENOENT; its end is not told', () => {
    const m = new Watched({ missing: true, wp: false });
    expect(m.errno(m.uffd.writeProtect(address(0), PAGE_SIZE, true))).toBe('ENOENT');
    m.log.take();
    m.run(m.uffd.unregister(address(0), 8 * PAGE_SIZE));
    expect(m.log.take()).toBe('');
  });
});

describe('userfaultfd: registrations', () => {
  it('split mappings, and let them grow together again', () => {
    const m = new Watched();
    expect([...m.mm.vmas].length).toBe(2);
    m.run(m.uffd.unregister(address(0), 8 * PAGE_SIZE));
    expect([...m.mm.vmas].length).toBe(1);
  });

  it('are refused for what is not pages, not mapped, a file with a disk, or watched by another', () => {
    const m = new Watched();
    m.mapFile(m.file(4), { at: 32 });
    const other = new Userfaultfd(m.mm);
    expect(m.errno(m.uffd.register(address(0) + 1, PAGE_SIZE, BOTH))).toBe('EINVAL');
    expect(m.errno(m.uffd.register(address(64), PAGE_SIZE, BOTH))).toBe('EINVAL');
    expect(m.errno(m.uffd.register(address(32), PAGE_SIZE, BOTH))).toBe('EINVAL');
    expect(m.errno(other.register(address(0), PAGE_SIZE, BOTH))).toBe('EBUSY');
    expect(m.errno(other.unregister(address(0), PAGE_SIZE))).toBe('EINVAL');
  });

  it('are not inherited by a child, nor do they move', () => {
    const m = new Watched();
    const child = m.run(forkMm(m.mm, 'child'));
    expect([...child.vmas].map((vma) => vma.userfaultfd)).toEqual([null, null]);
    m.run(mremap(m.mm, address(0), 8 * PAGE_SIZE, 8 * PAGE_SIZE, { to: address(64) }));
    m.store(64);
    expect(m.seen).toEqual([]);
  });

  it('keep a mapping from being moved together with others', () => {
    const m = new Watched();
    expect(m.errno(mremap(m.mm, address(0), 16 * PAGE_SIZE, 16 * PAGE_SIZE, { to: address(64) }))).toBe('EFAULT');
  });
});

describe('a page that a handler gives', () => {
  it('must be missing, and registered', () => {
    const m = new Watched();
    m.store(0);
    expect(m.errno(m.uffd.zeropage(address(0), PAGE_SIZE))).toBe('EEXIST');
    expect(m.errno(m.uffd.zeropage(address(9), PAGE_SIZE))).toBe('ENOENT');
  });

  it('makes a mapping one that may have anonymous pages, which fork copies', () => {
    const m = new Watched();
    m.load(3);
    m.log.take();
    m.run(forkMm(m.mm, 'child'));
    expect(m.log.takeOnly(/^</)).toBe('<PROTECTION_PAGE[0,8)');
  });
});
