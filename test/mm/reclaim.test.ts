import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, type Task } from '../../src/engine/index.js';
import type { Inode } from '../../src/fs/index.js';
import { P0, P1, type WorldOptions } from '../../src/kernel/index.js';
import {
  PG_DIRTY,
  PG_PRIVATE,
  pinUserPages,
  ptePresent,
  unpinUserPages,
  unpinUserPagesDirtyLock,
} from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

/** As many passes of the clock hand as take away every second chance. */
function shrink(m: Machine, target = Infinity): number {
  return m.run(m.kernel.reclaim.shrink(target));
}

describe('reclaim', () => {
  it('unmaps and frees clean pages of files: they come back from the disk', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.store(1, 7);
    m.fsync(file);
    m.log.take();
    expect(shrink(m)).toBe(4);
    expect(m.log.take()).toContain('<CLEAR[1,2) t[1,2)>');
    expect([file.mapping.pages.size, ptePresent(m.pte(1))]).toEqual([0, false]);
    expect(m.load(1)).toBe(7);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('frees no more than it is asked for', () => {
    const m = new Machine();
    const file = m.file(8);
    m.pread(file, 0, 8 * PAGE_SIZE);
    expect(shrink(m, 3)).toBe(3);
    expect([file.mapping.pages.size, m.kernel.reclaim.reclaimed]).toEqual([5, 3]);
  });

  it('passes a folio over once that was used: cold ones go first', () => {
    const m = new Machine();
    const file = m.file(2);
    for (const page of [0, 1]) m.pread(file, page * PAGE_SIZE, 1);
    shrink(m, 0);
    m.mapFile(file);
    // Both are mapped by one read fault; only one of them is used after the hand has passed.
    m.load(0);
    const [first, second] = [0, 1].map((page) => file.mapping.pages.get(page));
    for (const folio of [first, second]) m.memory.frames.clear(folio, 8);
    m.mm.pageTable.forEach(address(0) / PAGE_SIZE, address(2) / PAGE_SIZE, (page, pte) => {
      m.mm.pageTable.set(page, pte & ~8);
    });
    m.load(0);
    expect(shrink(m, 1)).toBe(1);
    expect([file.mapping.pages.get(0), file.mapping.pages.get(1)]).toEqual([first, 0]);
  });

  it('takes what was mapped and read and used within two passes, so an allocation does not fail', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.load(0);
    m.pread(file, 0, 1);
    m.load(0);
    expect(shrink(m, 1)).toBe(1);
  });

  it('leaves dirty pages, pages under writeback, locked ones and anonymous ones', () => {
    const m = new Machine();
    const file = m.file(3);
    m.mapAnon(1, { at: 100 });
    m.store(100);
    for (const page of [0, 1, 2]) m.pread(file, page * PAGE_SIZE, 1);
    m.mapFile(file);
    m.store(0);
    m.store(1);
    m.run(
      (function* (): Task {
        // Page 1 is under writeback until the disk is done; page 2 is locked.
        const syncing = m.simulation.spawn('fsync', m.kernel.fsync(file));
        yield 1000;
        m.memory.frames.set(file.mapping.pages.get(0), PG_DIRTY);
        file.mapping.pages.setMark(0, 'dirty');
        yield* m.memory.lockFolio(file.mapping.pages.get(2));
        expect(yield* m.kernel.reclaim.shrink(Infinity)).toBe(0);
        m.memory.unlockFolio(file.mapping.pages.get(2));
        yield syncing;
      })(),
    );
    expect(file.mapping.pages.size).toBe(3);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('keeps a page that became dirty, or was used again, while devices were waited for', () => {
    const m = new Machine();
    const file = m.file(2);
    m.mapFile(file);
    m.load(0);
    shrink(m, 0);
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'nic',
        (function* (): Task {
          yield 1 * MS;
        })(),
      );
    });
    m.simulation.spawn('kswapd', m.kernel.reclaim.shrink(1));
    m.simulation.spawn(
      'app',
      (function* (): Task {
        yield MS / 2;
        yield* m.storing(0, 6);
      })(),
    );
    m.simulation.run();
    expect([m.load(0), m.pread(file, 0, 1)]).toEqual([6, [6]]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('keeps a folio with all its state if an entry says that it is dirty', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0, 6);
    const folio = file.mapping.pages.get(0);
    // As if only the entry knew.
    m.memory.frames.clear(folio, PG_DIRTY);
    file.mapping.pages.clearMark(0, 'dirty');
    expect(shrink(m)).toBe(0);
    const { frames } = m.memory;
    expect([ptePresent(m.pte(0)), frames.has(folio, PG_DIRTY), frames.has(folio, PG_PRIVATE)]).toEqual([
      false,
      true,
      true,
    ]);
    expect(m.fsync(file).folios).toBe(1);
  });

  it('makes room when an allocation finds none', () => {
    const m = new Machine({ memory: 32 * PAGE_SIZE });
    const file = m.file(64);
    m.mapFile(file, { pages: 64 });
    for (let page = 0; page < 64; page++) expect(m.load(page)).toBe(0);
    m.mapAnon(16, { at: 100 });
    for (let page = 100; page < 116; page++) m.store(page);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a pinned page of a file that reclaim meets', () => {
  function pinnedAndClean(policy: typeof P0): { m: Machine; folio: number; frames: Int32Array } {
    const m = new Machine({ policy });
    const file = m.file(1);
    m.mapFile(file);
    m.store(0);
    // A short pin, so that both policies allow it: direct I/O into the mapping.
    const frames = m.run(pinUserPages(m.mm, address(0), PAGE_SIZE, { write: true, longterm: false }));
    m.fsync(file);
    return { m, folio: file.mapping.pages.get(0), frames };
  }

  it.each([P0, P1])('is unmapped but not freed ($id)', (policy) => {
    const { m, folio, frames } = pinnedAndClean(policy);
    m.log.take();
    expect(shrink(m)).toBe(0);
    expect(m.log.take()).toBe('<CLEAR[0,1) t[0,1)>');
    expect([ptePresent(m.pte(0)), m.kernel.fs.inodes[0].mapping.pages.get(0)]).toEqual([false, folio]);
    checkInvariants(m.kernel, [m.mm], frames);
    unpinUserPages(m.kernel.mm, frames);
    expect(shrink(m)).toBe(1);
  });

  it('loses its buffers under P0: dirtied when the pin ends, ext4 complains and drops what the device wrote (F8)', () => {
    const { m, folio, frames } = pinnedAndClean(P0);
    const [file] = m.kernel.fs.inodes;
    shrink(m);
    expect(m.memory.frames.has(folio, PG_PRIVATE)).toBe(false);
    m.memory.contents.write(folio, 0, 1, m.memory.nextStamp(), Uint8Array.of(99));
    m.run(unpinUserPagesDirtyLock(m.kernel.mm, frames));
    m.log.take();
    expect(m.fsync(file).folios).toBe(0);
    expect(m.log.take()).toBe('fsync fs_complaint fsynced(0)');
    shrink(m);
    expect(m.pread(file, 0, 1)).toEqual([1]);
  });

  it('keeps its buffers under P1: what the device wrote is written', () => {
    const { m, folio, frames } = pinnedAndClean(P1);
    const [file] = m.kernel.fs.inodes;
    shrink(m);
    expect(m.memory.frames.has(folio, PG_PRIVATE)).toBe(true);
    m.memory.contents.write(folio, 0, 1, m.memory.nextStamp(), Uint8Array.of(99));
    m.run(unpinUserPagesDirtyLock(m.kernel.mm, frames));
    expect([m.fsync(file).folios, m.kernel.fs.complaints]).toEqual([1, 0]);
    shrink(m);
    expect(m.pread(file, 0, 1)).toEqual([99]);
  });
});

describe.each(['ext4', 'btrfs'] as const)(
  'an allocation when memory is full of dirty pages of files on %s',
  (fileSystem) => {
    const NEVER = { writeback: 0, expire: 0 };
    const PAGES = 200;

    function full(options: WorldOptions = {}): { m: Machine; file: Inode } {
      const m = new Machine({ fileSystem, memory: 64 * PAGE_SIZE, writeback: NEVER, ...options });
      return { m, file: m.file(PAGES) };
    }

    it('has them written and waits: a file larger than memory can be written to through a mapping', () => {
      const { m, file } = full();
      m.mapFile(file);
      for (let page = 0; page < PAGES; page++) expect(m.store(page, 1 + (page % 200))).toBeNull();
      for (let page = 0; page < PAGES; page++) expect(m.load(page)).toBe(1 + (page % 200));
      // Nobody had to wait for a timeout.
      expect(m.simulation.now).toBeLessThan(100 * MS);
      checkInvariants(m.kernel, [m.mm]);
    });

    it('has them written and waits: write(2) is not cut short', () => {
      const { m, file } = full();
      expect(m.run(m.kernel.pwrite(file, 0, PAGES * PAGE_SIZE))).toBe(PAGES * PAGE_SIZE);
      expect(m.kernel.flusher.folios).toBeGreaterThan(50);
    });

    it('of a truncation that must read its last page does not wait for itself', () => {
      const { m, file } = full();
      const other = m.kernel.fs.createFile('other', 2 * PAGE_SIZE, 'written');
      m.run(m.kernel.pwrite(file, 0, 63 * PAGE_SIZE));
      m.ftruncate(other, PAGE_SIZE + 100);
      expect(other.size).toBe(PAGE_SIZE + 100);
    });

    it('waits for devices that must let go first', () => {
      const { m, file } = full();
      m.mapFile(file);
      m.kernel.invalidations$.subscribe((range) => {
        range.hold(
          'nic',
          (function* (): Task {
            yield 10_000;
          })(),
        );
      });
      for (let page = 0; page < 80; page++) expect(m.store(page)).toBeNull();
    });

    it('gives up when what is dirty cannot be freed: it is pinned', () => {
      const { m, file } = full({ policy: P0 });
      m.mapFile(file);
      const pinning = pinUserPages(m.mm, address(0), 100 * PAGE_SIZE, { write: true, longterm: true });
      expect(m.errno(pinning)).toBe('ENOMEM');
    });
  },
);
