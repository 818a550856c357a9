import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, US, type Task } from '../../src/engine/index.js';
import { HOLE } from '../../src/fs/index.js';
import { P0, type FileSystemKind } from '../../src/kernel/index.js';
import { MAX_PGOFF, PG_DIRTY, pinUserPages, pteFrame, unpinUserPagesDirtyLock } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { BASE, Machine, address } from '../support/machine.js';

const BOTH: readonly FileSystemKind[] = ['ext4', 'btrfs'];

function dropCaches(m: Machine): void {
  m.run(m.kernel.reclaim.shrink(Infinity));
}

describe.each(BOTH)('shrinking a file on %s', (fileSystem) => {
  it('says CLEAR of everything behind the new end twice, before and after the pages go', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(16);
    m.mapFile(file);
    for (const page of [3, 8, 12]) m.store(page);
    const cached: number[] = [];
    m.kernel.invalidations$.subscribe(() => cached.push(file.mapping.pages.size));
    m.log.take();
    m.ftruncate(file, 8 * PAGE_SIZE);
    expect(m.log.takeOnly(/^[<>t]/)).toBe('<CLEAR[8,16) t[8,13)> <CLEAR[8,16)>');
    expect(cached).toEqual([16, 8]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('says so again if the size was that already', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(16);
    m.mapFile(file);
    m.ftruncate(file, 0);
    m.log.take();
    m.ftruncate(file, 0);
    expect(m.log.take()).toBe('<CLEAR[0,16)> <CLEAR[0,16)>');
  });

  it('tells every mapping, clipped to it, and takes private copies away', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(16);
    m.mapFile(file);
    m.mapFile(file, { at: 100, pages: 8, offset: 4, share: 'private' });
    m.store(105, 7);
    m.log.take();
    m.ftruncate(file, 6 * PAGE_SIZE);
    expect(m.log.takeOnly(/^[<>]/)).toBe('<CLEAR[6,16)> <CLEAR[102,108)> <CLEAR[6,16)> <CLEAR[102,108)>');
    expect([m.load(6), m.load(105), m.load(101)]).toEqual(['SIGBUS', 'SIGBUS', 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('forgets the blocks behind the new end, for good with the next commit', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(4);
    m.ftruncate(file, PAGE_SIZE);
    expect([0, 1, 3].map((page) => file.blocks.block(page) === HOLE)).toEqual([false, true, true]);
    expect(file.blocks.durableRecord(3)).toBeDefined();
    m.fsync(file);
    expect(file.blocks.durableRecord(3)).toBeUndefined();
  });

  it('drops dirty pages: there is nothing left for fsync', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(4);
    m.mapFile(file);
    m.store(2);
    m.ftruncate(file, 0);
    expect(m.fsync(file).folios).toBe(0);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe.each(BOTH)('the last page of a file that is cut on %s', (fileSystem) => {
  it('is zeros behind the end, and stays', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(2);
    m.pwrite(file, 0, new Uint8Array(2 * PAGE_SIZE).fill(7));
    const frame = file.mapping.pages.get(1);
    m.ftruncate(file, PAGE_SIZE + 100);
    expect(file.mapping.pages.get(1)).toBe(frame);
    m.ftruncate(file, 2 * PAGE_SIZE);
    expect(m.pread(file, PAGE_SIZE + 98, 4)).toEqual([7, 7, 0, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('shows zeros when the file grows again, though it was not in the cache and the disk had more', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(2);
    m.pwrite(file, 0, new Uint8Array(2 * PAGE_SIZE).fill(7));
    m.fsync(file);
    dropCaches(m);
    m.ftruncate(file, PAGE_SIZE + 100);
    m.fsync(file);
    dropCaches(m);
    m.ftruncate(file, 2 * PAGE_SIZE);
    expect(m.pread(file, PAGE_SIZE + 98, 4)).toEqual([7, 7, 0, 0]);
    m.fsync(file);
    dropCaches(m);
    expect(m.pread(file, PAGE_SIZE + 98, 4)).toEqual([7, 7, 0, 0]);
  });

  it('shows zeros when a write behind the end makes the file grow', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(1);
    m.pwrite(file, 0, new Uint8Array(PAGE_SIZE).fill(7));
    m.ftruncate(file, 100);
    m.mapFile(file, { pages: 1 });
    // A process may store behind the end; nobody promises that it stays.
    m.run(m.kernel.store(m.process, BASE + 200, 1, Uint8Array.of(8)));
    m.pwrite(file, 300, [9]);
    expect([m.pread(file, 99, 2), m.pread(file, 200, 1), m.pread(file, 299, 2)]).toEqual([[7, 0], [0], [0, 9]]);
  });

  it('has what it needs to be written: nobody complains', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(1);
    m.mapFile(file);
    m.load(0);
    m.ftruncate(file, 100);
    m.fsync(file);
    m.ftruncate(file, 200);
    m.fsync(file);
    expect(m.kernel.fs.complaints).toBe(0);
  });

  it('of a hole needs no block', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(2, 'hole');
    m.ftruncate(file, 100);
    m.fsync(file);
    expect(file.blocks.block(0)).toBe(HOLE);
    expect(m.kernel.fs.device.blocksWritten).toBe(0);
  });
});

describe('the last page of a file that is cut', () => {
  // Recorded in truncate: to 6 pages and 100 bytes.
  it('is written first on btrfs, and so cleaned in its mappings; on ext4 they do not notice', () => {
    const [ext4, btrfs] = BOTH.map((fileSystem) => {
      const m = new Machine({ fileSystem });
      const file = m.file(16);
      m.mapFile(file);
      for (const page of [6, 7]) m.store(page);
      m.log.take();
      m.ftruncate(file, 6 * PAGE_SIZE + 100);
      return m.log.takeOnly(/^[<>tc]/);
    });
    expect(ext4).toBe('<CLEAR[7,16) t[7,8)> <CLEAR[7,16)>');
    expect(btrfs).toBe(
      '<CLEAR[7,16) t[7,8)> <CLEAR[7,16)> <PROTECTION_PAGE[6,7) t[6,7)> clean#6(1) <PROTECTION_PAGE[6,7)>',
    );
  });
});

describe('a file that grows', () => {
  it('raises nothing, and shows zeros', () => {
    for (const fileSystem of BOTH) {
      const m = new Machine({ fileSystem });
      const file = m.file(2);
      m.mapFile(file, { pages: 4 });
      m.store(1, 5);
      expect(m.load(3)).toBe('SIGBUS');
      m.log.take();
      m.ftruncate(file, 4 * PAGE_SIZE);
      expect(m.log.take()).toBe('');
      expect([m.load(1), m.load(3)]).toEqual([5, 0]);
    }
  });

  // Recorded in truncate, pwrite_past_eof and 3754-ext4: blocks of 1 KiB, as mke2fs gives them to small disks.
  it('on ext4 says PROTECTION_PAGE of the old last page if its end was inside, so that its new blocks are found', () => {
    for (const grow of [
      (m: Machine) => {
        m.ftruncate(m.kernel.fs.inodes[0], 16 * PAGE_SIZE);
      },
      (m: Machine) => {
        m.pwrite(m.kernel.fs.inodes[0], 12 * PAGE_SIZE, [1]);
      },
    ]) {
      const m = new Machine({ fileSystem: 'ext4' });
      const file = m.file(16);
      m.mapFile(file);
      m.ftruncate(file, 6 * PAGE_SIZE + 100);
      m.store(6);
      m.log.take();
      grow(m);
      expect(m.log.take()).toBe('<PROTECTION_PAGE[6,7) t[6,7)> clean#6(1)');
      expect(m.memory.frames.has(file.mapping.pages.get(6), PG_DIRTY)).toBe(true);
      m.store(6);
      expect(m.log.take()).toBe('mk6 w6');
      checkInvariants(m.kernel, [m.mm]);
    }
  });

  it('on ext4 does not, if there is no block between the old end and the end of its page', () => {
    const m = new Machine({ fileSystem: 'ext4' });
    const file = m.file(16);
    m.mapFile(file);
    m.ftruncate(file, 7 * PAGE_SIZE - 1);
    m.store(6);
    m.log.take();
    m.ftruncate(file, 16 * PAGE_SIZE);
    expect(m.log.take()).toBe('');
  });

  it('on ext4 has mappings behind the new end cleared, twice, as if it had shrunk', () => {
    const m = new Machine({ fileSystem: 'ext4' });
    const file = m.file(2);
    m.mapFile(file, { pages: 16 });
    m.ftruncate(file, 15 * PAGE_SIZE);
    expect(m.log.take()).toBe('<CLEAR[15,16)> <CLEAR[15,16)>');
  });
});

describe('a pinned page behind the new end (F9)', () => {
  it('is an orphan: the device keeps the frame, the file and the process get another one', () => {
    const m = new Machine({ policy: P0 });
    const file = m.file(2);
    m.mapFile(file);
    const frames = m.run(pinUserPages(m.mm, address(1), PAGE_SIZE, { write: true, longterm: true }));
    m.store(1, 5);
    m.ftruncate(file, PAGE_SIZE);
    m.ftruncate(file, 2 * PAGE_SIZE);
    expect([m.memory.frames.isAllocated(frames[0]), m.kernel.mm.mappingOf(frames[0])]).toEqual([true, null]);
    m.memory.contents.write(frames[0], 0, 1, m.memory.nextStamp(), Uint8Array.of(9));
    expect([m.load(1), m.pread(file, PAGE_SIZE, 1)]).toEqual([0, [0]]);
    expect(pteFrame(m.pte(1))).not.toBe(frames[0]);
    checkInvariants(m.kernel, [m.mm], frames);

    const free = m.memory.freeFrames;
    m.run(unpinUserPagesDirtyLock(m.kernel.mm, frames));
    expect(m.memory.freeFrames).toBe(free + 1);
    expect(m.fsync(file).folios).toBe(0);
  });
});

describe('a truncation that meets others', () => {
  it('waits for the disk before it drops a page under writeback', () => {
    const m = new Machine();
    const file = m.file(1);
    m.pwrite(file, 0, [7]);
    const syncing = m.simulation.spawn('fsync', m.kernel.fsync(file));
    m.advance(1 * US);
    const began = m.simulation.now;
    m.ftruncate(file, 0);
    expect(m.simulation.now - began).toBeGreaterThan(20 * US);
    m.simulation.runUntilIdle();
    expect(syncing.done).toBe(true);
    expect(file.blocks.block(0)).toBe(HOLE);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('keeps write(2) out until it is over, so that nothing written afterwards is lost', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.store(2);
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'nic',
        (function* (): Task {
          yield 1 * MS;
        })(),
      );
    });
    m.simulation.spawn('ftruncate', m.kernel.ftruncate(file, 0));
    m.advance(1 * US);
    m.pwrite(file, 2 * PAGE_SIZE, [7]);
    expect([m.pread(file, 2 * PAGE_SIZE, 1), file.size]).toEqual([[7], 2 * PAGE_SIZE + 1]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('keeps page_mkwrite out: the store faults again, and is behind the end', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.load(2);
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'nic',
        (function* (): Task {
          yield 1 * MS;
        })(),
      );
    });
    m.simulation.spawn('ftruncate', m.kernel.ftruncate(file, 0), { daemon: true });
    m.advance(1 * US);
    const began = m.simulation.now;
    expect(m.store(2)).toBe('SIGBUS');
    expect(m.simulation.now - began).toBeGreaterThan(0.9 * MS);
    m.advance(10 * MS);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('sees a page that a reader is just bringing in, and drops it', () => {
    const m = new Machine();
    const file = m.file(4);
    const reading = m.simulation.spawn('pread', m.kernel.pread(file, 3 * PAGE_SIZE, new Uint8Array(10)));
    m.advance(10 * US);
    m.ftruncate(file, PAGE_SIZE);
    expect([reading.done, file.mapping.pages.size]).toEqual([true, 0]);
    m.ftruncate(file, 4 * PAGE_SIZE);
    expect(m.pread(file, 3 * PAGE_SIZE, 1)).toEqual([0]);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a large folio that the end of the file cuts', () => {
  it('stays, with zeros behind the end in all of its pages', () => {
    const m = new Machine();
    const file = m.file(16, 'hole');
    const folio = m.largeFolio(file, 0);
    m.pwrite(file, 4 * PAGE_SIZE, new Uint8Array(3 * PAGE_SIZE).fill(7));
    m.ftruncate(file, 5 * PAGE_SIZE + 10);
    m.ftruncate(file, 16 * PAGE_SIZE);
    expect(file.mapping.pages.get(15)).toBe(folio + 15);
    expect(
      [4 * PAGE_SIZE, 5 * PAGE_SIZE + 9, 5 * PAGE_SIZE + 10, 6 * PAGE_SIZE].map((at) => m.pread(file, at, 1)[0]),
    ).toEqual([7, 7, 0, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('ftruncate', () => {
  it('says EINVAL for a negative size and EFBIG for one that no file can have', () => {
    const m = new Machine();
    const file = m.file(1);
    expect(m.errno(m.kernel.ftruncate(file, -1))).toBe('EINVAL');
    expect(m.errno(m.kernel.ftruncate(file, MAX_PGOFF * PAGE_SIZE + 1))).toBe('EFBIG');
    m.ftruncate(file, MAX_PGOFF * PAGE_SIZE);
    expect(m.pread(file, MAX_PGOFF * PAGE_SIZE - 1, 1)).toEqual([0]);
  });
});
