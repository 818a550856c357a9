import { PAGE_SIZE } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import { P0, P1 } from '../../src/kernel/index.js';
import {
  GUP_PIN_COUNTING_BIAS,
  PG_DIRTY,
  ZERO_FRAME,
  pinUserPages,
  pteFrame,
  unpinUserPages,
  unpinUserPagesDirtyLock,
  type PinFlags,
} from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

const LONG_WRITE: PinFlags = { write: true, longterm: true };
const LONG_READ: PinFlags = { write: false, longterm: true };
const SHORT_WRITE: PinFlags = { write: true, longterm: false };
const SHORT_READ: PinFlags = { write: false, longterm: false };

function pinning(m: Machine, page: number, pages: number, flags: PinFlags): Task<Int32Array> {
  return pinUserPages(m.mm, address(page), pages * PAGE_SIZE, flags);
}

function pin(m: Machine, page: number, pages: number, flags: PinFlags): Int32Array {
  return m.run(pinning(m, page, pages, flags));
}

describe('pin_user_pages', () => {
  it('faults pages in, pins them, and counts', () => {
    const m = new Machine();
    m.mapAnon(4);
    const frames = pin(m, 1, 2, LONG_WRITE);
    expect([...frames]).toEqual([pteFrame(m.pte(1)), pteFrame(m.pte(2))]);
    expect(frames.every((frame) => m.memory.frames.refcount[frame] === 1 + GUP_PIN_COUNTING_BIAS)).toBe(true);
    expect(m.kernel.mm.pins).toEqual({ acquired: 2, released: 0, pinned: 2, peak: 2 });
    checkInvariants(m.kernel, [m.mm], frames);

    unpinUserPages(m.kernel.mm, frames.subarray(0, 1));
    pin(m, 3, 1, LONG_WRITE);
    expect(m.kernel.mm.pins).toEqual({ acquired: 3, released: 1, pinned: 2, peak: 2 });
  });

  it('pins every page that the range touches', () => {
    const m = new Machine();
    m.mapAnon(4);
    const frames = m.run(pinUserPages(m.mm, address(1) - 1, 2, LONG_WRITE));
    expect([...frames]).toEqual([pteFrame(m.pte(0)), pteFrame(m.pte(1))]);
  });

  it('says ENOMEM for more than memory holds, and EFAULT for more than is mapped, however much that is', () => {
    const m = new Machine();
    m.mapAnon(2 ** 28);
    expect(m.errno(pinning(m, 0, 2 ** 28, LONG_WRITE))).toBe('ENOMEM');
    expect(m.errno(pinning(m, 0, 2 ** 34, LONG_WRITE))).toBe('ENOMEM');
    expect(m.errno(pinning(m, 2 ** 28, 2 ** 34, LONG_WRITE))).toBe('EFAULT');
    expect(m.kernel.mm.pins.pinned).toBe(0);
  });

  it('pins a page once per call: pins of one page add up', () => {
    const m = new Machine();
    m.mapAnon(1);
    const [first, second] = [pin(m, 0, 1, LONG_WRITE), pin(m, 0, 1, LONG_WRITE)];
    unpinUserPages(m.kernel.mm, first);
    expect(m.memory.frames.maybeDmaPinned(second[0])).toBe(true);
    unpinUserPages(m.kernel.mm, second);
    expect(m.memory.frames.maybeDmaPinned(second[0])).toBe(false);
  });

  it('meets the page at which it fails twice, unless it is the first', () => {
    const m = new Machine();
    const file = m.file(2);
    m.mapFile(file, { share: 'private', pages: 4 });
    expect(m.errno(pinning(m, 0, 4, LONG_WRITE))).toBe('EFAULT');
    expect(m.log.takeOnly(/^w/)).toBe('w0 w1 w2(SIGBUS) w2(SIGBUS)');
    expect(m.errno(pinning(m, 2, 2, LONG_WRITE))).toBe('EFAULT');
    expect(m.log.takeOnly(/^w/)).toBe('w2(SIGBUS)');
  });

  it('keeps the frame, not the mapping: after munmap it is the process that has another page', () => {
    const m = new Machine();
    m.mapAnon(1);
    const [frame] = pin(m, 0, 1, LONG_WRITE);
    m.munmap(0, 1);
    m.mapAnon(1);
    m.store(0);
    expect(m.memory.frames.isAllocated(frame)).toBe(true);
    expect(pteFrame(m.pte(0))).not.toBe(frame);
    checkInvariants(m.kernel, [m.mm], [frame]);
    const before = m.memory.freeFrames;
    unpinUserPages(m.kernel.mm, Int32Array.of(frame));
    expect(m.memory.freeFrames).toBe(before + 1);
  });

  it('for writing runs page_mkwrite, once, at pin time', () => {
    const m = new Machine({ policy: P0 });
    const file = m.file(2);
    m.mapFile(file);
    pin(m, 0, 2, LONG_WRITE);
    expect(m.log.takeOnly(/^[^i]|^pin/)).toBe('mk0 w0 mk1 w1 pin_user_pages');
    expect(m.memory.frames.has(file.mapping.pages.get(0), PG_DIRTY)).toBe(true);
  });

  it('copies a private page first, so that process and device see the same one', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file, { share: 'private' });
    m.load(0);
    const [frame] = pin(m, 0, 1, LONG_WRITE);
    expect([frame, frame === file.mapping.pages.get(0)]).toEqual([pteFrame(m.pte(0)), false]);
    expect(m.log.takeOnly(/^[<t]/)).toBe('<CLEAR[0,1) t[0,1)');
  });
});

// Recorded: each call says how far it got, and only the next one, which faults there again, what stopped it.
describe('a page that cannot be pinned', () => {
  it('is tried twice if others come before it in a call, and nothing stays pinned', () => {
    const m = new Machine();
    const file = m.file(2);
    m.mapFile(file, { pages: 3 });
    m.load(0);
    m.log.take();
    expect(m.errno(pinning(m, 0, 3, LONG_READ))).toBe('EFAULT');
    expect(m.log.take()).toBe('r2(SIGBUS) pin_user_pages r2(SIGBUS) pin_user_pages');
    expect(m.kernel.mm.pins.pinned).toBe(0);
  });

  it('is tried once if it is the first', () => {
    const m = new Machine();
    m.mapFile(m.file(2), { pages: 3 });
    expect(m.errno(pinning(m, 2, 1, LONG_READ))).toBe('EFAULT');
    expect(m.log.take()).toBe('r2(SIGBUS) pin_user_pages');
  });
});

it('a region is pinned by calls for 512 pages', () => {
  const m = new Machine();
  m.mapAnon(1200);
  const frames = pin(m, 0, 1200, LONG_WRITE);
  expect([new Set(frames).size, m.log.takeOnly(/^pin/)]).toEqual([
    1200,
    'pin_user_pages pin_user_pages pin_user_pages',
  ]);
});

describe('a pin for reading', () => {
  // Recorded in pin_ro_private: a read fault, then CLEAR of the page, for each page.
  it('for long breaks the zero page, so that the device sees what the process writes later', () => {
    const m = new Machine();
    m.mapAnon(2);
    const frames = pin(m, 0, 2, LONG_READ);
    expect(m.log.take()).toBe('r0 <CLEAR[0,1) t[0,1)> u0 r1 <CLEAR[1,2) t[1,2)> u1 pin_user_pages');
    m.store(1, 7);
    expect(m.log.take()).toBe('w1');
    expect([...frames]).toEqual([pteFrame(m.pte(0)), pteFrame(m.pte(1))]);
    checkInvariants(m.kernel, [m.mm], frames);
  });

  it('for long replaces a private file page, even in a mapping that is read-only now', () => {
    const m = new Machine();
    const file = m.file(1);
    m.pwrite(file, 0, [5]);
    m.mapFile(file, { share: 'private', prot: 'r' });
    const [frame] = pin(m, 0, 1, LONG_READ);
    expect([frame === file.mapping.pages.get(0), m.load(0)]).toEqual([false, 5]);
  });

  it('for a short time takes what is there: pinning the zero page is no pin at all', () => {
    const m = new Machine();
    m.mapAnon(1);
    const frames = pin(m, 0, 1, SHORT_READ);
    expect([...frames]).toEqual([ZERO_FRAME]);
    expect(m.kernel.mm.pins.acquired).toBe(0);
    unpinUserPages(m.kernel.mm, frames);
    m.run(unpinUserPagesDirtyLock(m.kernel.mm, frames));
    expect(m.kernel.mm.pins.released).toBe(0);
  });

  it('leaves a page alone that the process has for itself', () => {
    const m = new Machine();
    m.mapAnon(1);
    m.store(0);
    m.log.take();
    pin(m, 0, 1, LONG_READ);
    expect(m.log.take()).toBe('pin_user_pages');
  });

  it('of a shared file shares the page of the file, without page_mkwrite', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    const [frame] = pin(m, 0, 1, LONG_READ);
    expect(frame).toBe(file.mapping.pages.get(0));
    expect(m.log.take()).toBe('r0 pin_user_pages');
  });
});

describe('what may be pinned', () => {
  // Recorded in pin_matrix (P1). Before 6.5 (P0) a shared file was no exception.
  const rows = [
    ['anonymous', 'rw', LONG_WRITE, null, null],
    ['anonymous', 'rw', LONG_READ, null, null],
    ['anonymous', 'r', LONG_WRITE, 'EFAULT', 'EFAULT'],
    ['anonymous', 'r', LONG_READ, null, null],
    ['private file', 'rw', LONG_WRITE, null, null],
    ['private file', 'rw', LONG_READ, null, null],
    ['private file', 'r', LONG_WRITE, 'EFAULT', 'EFAULT'],
    ['private file', 'r', LONG_READ, null, null],
    ['shared file', 'rw', LONG_WRITE, 'EFAULT', null],
    ['shared file', 'rw', LONG_READ, null, null],
    ['shared file', 'rw', SHORT_WRITE, null, null],
    ['shared file', 'rw', SHORT_READ, null, null],
    ['shared file', 'r', LONG_WRITE, 'EFAULT', 'EFAULT'],
    ['shared file', 'r', LONG_READ, null, null],
  ] as const;

  describe.each(['ext4', 'btrfs'] as const)('on %s', (fileSystem) => {
    it.each(rows)('%s memory mapped %s, %j: P1 says %s, P0 says %s', (kind, prot, flags, since65, before65) => {
      const errnos = [P1, P0].map((policy) => {
        const m = new Machine({ policy, fileSystem });
        if (kind === 'anonymous') m.mapAnon(2, { prot });
        else m.mapFile(m.file(2), { prot, share: kind === 'shared file' ? 'shared' : 'private' });
        return m.errno(pinning(m, 0, 2, flags));
      });
      expect(errnos).toEqual([since65, before65]);
    });
  });
});

describe('a pin that fails', () => {
  it('with EFAULT, for a hole, unpins what it had pinned', () => {
    const m = new Machine();
    m.mapAnon(2);
    expect(m.errno(pinning(m, 0, 3, LONG_WRITE))).toBe('EFAULT');
    expect(m.kernel.mm.pins).toEqual({ acquired: 2, released: 2, pinned: 0, peak: 2 });
    expect([0, 1].some((page) => m.memory.frames.maybeDmaPinned(pteFrame(m.pte(page))))).toBe(false);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('says EFAULT behind the end of the file, where a CPU gets SIGBUS', () => {
    const m = new Machine();
    m.mapFile(m.file(2), { pages: 4 });
    expect(m.errno(pinning(m, 0, 4, LONG_READ))).toBe('EFAULT');
    expect(m.kernel.mm.pins.pinned).toBe(0);
  });

  it('says ENOMEM when memory has run out', () => {
    const m = new Machine({ memory: 8 * PAGE_SIZE });
    m.mapAnon(16);
    expect(m.errno(pinning(m, 0, 16, LONG_WRITE))).toBe('ENOMEM');
    expect(m.kernel.mm.pins.pinned).toBe(0);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('leaves mmap_lock free', () => {
    const m = new Machine();
    expect(m.errno(pinning(m, 0, 1, LONG_WRITE))).toBe('EFAULT');
    m.mapAnon(1);
    expect(pin(m, 0, 1, LONG_WRITE)).toHaveLength(1);
  });
});

describe('unpin_user_pages_dirty_lock', () => {
  it('marks a clean page dirty, and lets go', () => {
    const m = new Machine({ policy: P0 });
    const file = m.file(1);
    m.mapFile(file);
    const frames = pin(m, 0, 1, LONG_WRITE);
    m.fsync(file);
    expect(m.memory.frames.has(frames[0], PG_DIRTY)).toBe(false);
    m.run(unpinUserPagesDirtyLock(m.kernel.mm, frames));
    expect([m.memory.frames.has(frames[0], PG_DIRTY), m.memory.frames.maybeDmaPinned(frames[0])]).toEqual([
      true,
      false,
    ]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('takes the folio lock, unless the page is dirty already', () => {
    const m = new Machine({ policy: P0 });
    const file = m.file(2);
    m.mapFile(file);
    const frames = pin(m, 0, 2, LONG_WRITE);
    m.fsync(file);
    m.store(1);
    const unlockedAt: number[] = [];
    for (const frame of frames) {
      m.simulation.spawn(
        'holder',
        (function* (): Task {
          yield* m.memory.lockFolio(frame);
          yield 1000;
          unlockedAt.push(m.simulation.now);
          m.memory.unlockFolio(frame);
        })(),
        { daemon: true },
      );
    }
    const began = m.simulation.now;
    m.run(unpinUserPagesDirtyLock(m.kernel.mm, frames.subarray(1)));
    expect(m.simulation.now - began).toBe(0);
    m.run(unpinUserPagesDirtyLock(m.kernel.mm, frames.subarray(0, 1)));
    expect(m.simulation.now - began).toBe(1000);
    expect(unlockedAt).toHaveLength(2);
  });

  it('of a page that the file has lost dirties nothing but the page', () => {
    const m = new Machine({ policy: P0 });
    const file = m.file(1);
    m.mapFile(file);
    const frames = pin(m, 0, 1, LONG_WRITE);
    m.ftruncate(file, 0);
    const before = m.memory.freeFrames;
    m.run(unpinUserPagesDirtyLock(m.kernel.mm, frames));
    expect(file.mapping.pages.anyMarked('dirty')).toBe(false);
    expect(m.memory.freeFrames).toBe(before + 1);
  });
});

describe('a pin of a large folio', () => {
  it('is counted exactly, per page', () => {
    const m = new Machine({ policy: P0 });
    const file = m.file(16, 'hole');
    const folio = m.largeFolio(file, 0);
    m.mapFile(file);
    const frames = pin(m, 2, 3, LONG_WRITE);
    expect([...frames]).toEqual([folio + 2, folio + 3, folio + 4]);
    checkInvariants(m.kernel, [m.mm], frames);
    unpinUserPages(m.kernel.mm, frames.subarray(1));
    expect(m.memory.frames.maybeDmaPinned(folio)).toBe(true);
    unpinUserPages(m.kernel.mm, frames.subarray(0, 1));
    expect(m.memory.frames.maybeDmaPinned(folio)).toBe(false);
  });
});
