import { PAGE_SIZE } from '../../src/base/index.js';
import { SEC, US } from '../../src/engine/index.js';
import { HOLE, type FsComplaint, type Inode } from '../../src/fs/index.js';
import { P0, type WorldOptions } from '../../src/kernel/index.js';
import { PG_DIRTY, pinUserPages, unpinUserPagesDirtyLock } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

function machine(options: WorldOptions = {}): Machine {
  return new Machine({ fileSystem: 'btrfs', ...options });
}

/** Drops the pages of a file, so that the next access reads the disk. */
function dropCaches(m: Machine): void {
  m.run(m.kernel.reclaim.shrink(Infinity));
}

function isIntact(m: Machine, file: Inode, page: number): boolean {
  const record = file.blocks.record(page);
  return record !== undefined && m.kernel.fs.isIntact(record.block, record.checksum);
}

describe('btrfs', () => {
  it('writes to a new block every time (CoW), and keeps the old one until the commit', () => {
    const m = machine();
    const file = m.file(2);
    const first = file.blocks.block(1);
    m.pwrite(file, PAGE_SIZE, [1]);
    m.fsync(file);
    const second = file.blocks.block(1);
    expect(second).not.toBe(first);
    m.pwrite(file, 0, [1]);
    m.fsync(file);
    // By now nothing durable refers to the block that page 1 had at first.
    expect(file.blocks.block(0)).toBe(first);
    expect(file.blocks.durableRecord(1)?.block).toBe(second);
  });

  it('leaves the old data untouched until the new ones are committed', () => {
    const m = machine({ writeback: { writeback: 0, expire: 0 } });
    const file = m.file(1);
    m.pwrite(file, 0, [1]);
    m.fsync(file);
    m.pwrite(file, 0, [2]);
    m.simulation.spawn('fsync', m.kernel.fsync(file), { daemon: true });
    m.advance(60 * US); // the data are on the disk, the commit is not
    expect(m.kernel.fs.device.blocksWritten).toBe(2);
    m.kernel.fs.device.powerLoss();
    m.kernel.fs.recover();
    const byte = new Uint8Array(1);
    m.kernel.fs.device.media.read(file.blocks.block(0), 0, byte, 0, 1);
    expect([byte[0], isIntact(m, file, 0)]).toEqual([1, true]);
  });

  it('commits every 30 s', () => {
    const m = machine();
    const file = m.file(1, 'hole');
    m.ftruncate(file, 10 * PAGE_SIZE);
    m.advance(29 * SEC);
    expect(file.durableSize).toBe(PAGE_SIZE);
    m.advance(2 * SEC);
    expect(file.durableSize).toBe(10 * PAGE_SIZE);
  });

  it('wants stable pages', () => {
    expect(machine().file(1).mapping.options.stableWrites).toBe(true);
  });

  // Recorded: extent_writepage_io cleans what extent_write_cache_pages has cleaned.
  it('runs folio_mkclean twice per folio: drivers are told twice, the second time there is nothing to clean', () => {
    const m = machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0);
    m.log.take();
    m.fsync(file);
    expect(m.log.take()).toBe(
      'fsync <PROTECTION_PAGE[0,1) t[0,1)> clean#0(1) <PROTECTION_PAGE[0,1)> wb#0 done#0 fsynced(1)',
    );
  });
});

describe('a block of btrfs', () => {
  it('has a checksum, which holds for what nobody has written too', () => {
    const m = machine();
    const file = m.file(2);
    m.pwrite(file, 0, [5]);
    m.fsync(file);
    expect([isIntact(m, file, 0), isIntact(m, file, 1)]).toEqual([true, true]);
    dropCaches(m);
    expect(m.pread(file, 0, 1)).toEqual([5]);
    expect(m.kernel.fs.complaints).toBe(0);
  });

  /** A device writes through a pin after the checksum has been computed and before the disk has fetched the page (F2). */
  function corrupt(m: Machine): Inode {
    const file = m.file(2);
    m.mapFile(file);
    const [frame] = m.run(pinUserPages(m.mm, address(0), PAGE_SIZE, { write: true, longterm: true }));
    m.store(0, 1);
    m.simulation.spawn('fsync', m.kernel.fsync(file));
    m.advance(300);
    m.memory.contents.write(frame, 2000, 100, m.memory.nextStamp(), new Uint8Array(100).fill(2));
    m.simulation.run();
    m.run(unpinUserPagesDirtyLock(m.kernel.mm, Int32Array.of(frame)));
    m.munmap(0, 2);
    return file;
  }

  it('does not match its checksum if memory changed between checksum and fetch', () => {
    const m = machine({ policy: P0 });
    const file = corrupt(m);
    expect([isIntact(m, file, 0), isIntact(m, file, 1)]).toEqual([false, true]);
  });

  it('that does not match cannot be read: EIO for read(2), SIGBUS for a process, and a complaint', () => {
    const m = machine({ policy: P0 });
    const complaints: FsComplaint[] = [];
    m.kernel.complaints$.subscribe((complaint) => complaints.push(complaint));
    const file = corrupt(m);
    // What unpin dirtied is forgotten, as by a power loss.
    m.memory.frames.clear(file.mapping.pages.get(0), PG_DIRTY);
    file.mapping.pages.clearMark(0, 'dirty');
    dropCaches(m);
    expect(m.errno(m.kernel.pread(file, 0, new Uint8Array(1)))).toBe('EIO');
    // Once by readahead, once by the read that needs it.
    const complaint = 'csum failed ino 1 off 0';
    expect(complaints.map(({ message }) => message)).toEqual([complaint, complaint]);
    m.mapFile(file);
    expect([m.load(0), m.load(1)]).toEqual(['SIGBUS', 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('that does not match can be overwritten as a whole, and not in part', () => {
    const m = machine({ policy: P0 });
    const file = corrupt(m);
    m.memory.frames.clear(file.mapping.pages.get(0), PG_DIRTY);
    file.mapping.pages.clearMark(0, 'dirty');
    dropCaches(m);
    expect(m.errno(m.kernel.pwrite(file, 10, 10, null))).toBe('EIO');
    m.pwrite(file, 0, new Uint8Array(PAGE_SIZE).fill(9));
    m.fsync(file);
    dropCaches(m);
    expect(m.pread(file, 0, 1)).toEqual([9]);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a page of btrfs that is dirty and has no reservation (F7)', () => {
  function dirtyWithoutReservation(m: Machine): { file: Inode; frame: number } {
    const file = m.file(1);
    m.mapFile(file);
    const frames = m.run(pinUserPages(m.mm, address(0), PAGE_SIZE, { write: true, longterm: true }));
    m.store(0, 1);
    m.fsync(file);
    m.memory.contents.write(frames[0], 0, 1, m.memory.nextStamp(), Uint8Array.of(2));
    m.run(unpinUserPagesDirtyLock(m.kernel.mm, frames));
    return { file, frame: frames[0] };
  }

  it('is not written by this writeback: a worker makes the reservation, the next one writes it', () => {
    const m = machine({ policy: P0 });
    const { file, frame } = dirtyWithoutReservation(m);
    const written = m.kernel.fs.device.blocksWritten;
    expect(m.fsync(file).folios).toBe(0);
    expect([m.kernel.fs.device.blocksWritten, m.memory.frames.has(frame, PG_DIRTY)]).toEqual([written, true]);
    checkInvariants(m.kernel, [m.mm]);
    expect(m.fsync(file).folios).toBe(1);
    m.munmap(0, 1);
    dropCaches(m);
    expect(m.pread(file, 0, 1)).toEqual([2]);
  });

  it('is none after page_mkwrite, whose reservation one writeback uses up', () => {
    const m = machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0, 1);
    expect(m.fsync(file).folios).toBe(1);
    m.kernel.mm.markDirty(file.mapping.pages.get(0));
    expect(m.fsync(file).folios).toBe(0);
    m.store(0, 2);
    expect(m.fsync(file).folios).toBe(1);
  });

  it('waits for one worker only, and not at all if it was truncated meanwhile', () => {
    const m = machine({ policy: P0 });
    const { file } = dirtyWithoutReservation(m);
    m.simulation.spawn('one', m.kernel.fsync(file));
    m.simulation.spawn('two', m.kernel.fsync(file));
    m.simulation.spawn('ftruncate', m.kernel.ftruncate(file, 0));
    m.simulation.runUntilIdle();
    expect(file.mapping.pages.size).toBe(0);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a hole of btrfs', () => {
  it('has no block and no checksum, and reads as zeros', () => {
    const m = machine();
    const file = m.file(2, 'hole');
    expect([file.blocks.block(0), m.pread(file, 0, 2)]).toEqual([HOLE, [0, 0]]);
  });
});
