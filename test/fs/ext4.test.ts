import { PAGE_SIZE } from '../../src/base/index.js';
import { SEC, type Task } from '../../src/engine/index.js';
import { HOLE, type FsComplaint, type Inode } from '../../src/fs/index.js';
import { PG_DIRTY, PG_PRIVATE } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine } from '../support/machine.js';

const NEVER = { writeback: 0, expire: 0 };

function powerLoss(m: Machine): void {
  m.kernel.fs.device.powerLoss();
  m.kernel.fs.recover();
}

function writeBack(m: Machine, file: Inode): void {
  // fsync without its commit: data on the disk, metadata in memory.
  const { fs } = m.kernel;
  const commit = fs.commit.bind(fs);
  fs.commit = function* (): Task {
    yield* fs.device.flush();
  };
  m.fsync(file);
  fs.commit = commit;
}

describe('ext4', () => {
  it('overwrites blocks in place', () => {
    const m = new Machine();
    const file = m.file(4);
    const before = file.blocks.block(2);
    m.pwrite(file, 2 * PAGE_SIZE, [1]);
    m.fsync(file);
    expect(file.blocks.block(2)).toBe(before);
  });

  it('gives holes their blocks at writeback (delayed allocation), not when they are written to', () => {
    const m = new Machine();
    const file = m.file(4, 'hole');
    m.mapFile(file);
    m.store(2, 1);
    expect(file.blocks.block(2)).toBe(HOLE);
    m.fsync(file);
    expect(file.blocks.block(2)).not.toBe(HOLE);
    expect([0, 1, 3].every((page) => file.blocks.block(page) === HOLE)).toBe(true);
  });

  it('does not wait for the disk in page_mkwrite', () => {
    expect(new Machine().file(1).mapping.options).toEqual({ stableWrites: false, canWriteback: true });
  });
});

describe('metadata of ext4', () => {
  it('is durable after fsync', () => {
    const m = new Machine({ writeback: NEVER });
    const file = m.file(1, 'hole');
    m.pwrite(file, 0, [7]);
    m.fsync(file);
    powerLoss(m);
    expect([file.blocks.block(0) === HOLE, file.size]).toEqual([false, PAGE_SIZE]);
  });

  it('is durable 5 s after it changed, without anybody asking', () => {
    const m = new Machine({ writeback: NEVER });
    const file = m.file(1, 'hole');
    m.pwrite(file, PAGE_SIZE, [7]);
    writeBack(m, file);
    expect([file.durableSize, file.blocks.durableRecord(1)]).toEqual([PAGE_SIZE, undefined]);
    m.advance(4.9 * SEC);
    expect(file.durableSize).toBe(PAGE_SIZE);
    m.advance(0.2 * SEC);
    expect([file.durableSize, file.blocks.durableRecord(1)?.block]).toEqual([PAGE_SIZE + 1, file.blocks.block(1)]);
    checkInvariants(m.kernel, []);
  });

  it('is rolled back by a power loss before that: the hole is a hole again, the size what it was', () => {
    const m = new Machine({ writeback: NEVER });
    const file = m.file(1, 'hole');
    m.pwrite(file, 2 * PAGE_SIZE, [7]);
    writeBack(m, file);
    m.ftruncate(file, 0);
    powerLoss(m);
    expect([file.blocks.block(2), file.size]).toEqual([HOLE, PAGE_SIZE]);
  });

  it('refers to no data that are not on the disk: a commit in between takes the size that they have reached', () => {
    const m = new Machine({ writeback: NEVER });
    const file = m.file(0);
    m.pwrite(file, 0, new Uint8Array(100).fill(1));
    m.fsync(file);
    m.pwrite(file, 100, new Uint8Array(100).fill(2));
    const other = m.kernel.fs.createFile('other', 0, 'hole');
    m.pwrite(other, 0, [1]);
    m.fsync(other);
    expect([file.size, file.durableSize]).toEqual([200, 100]);
    m.fsync(file);
    expect(file.durableSize).toBe(200);
  });

  it('costs nothing while nothing changes', () => {
    const m = new Machine({ writeback: NEVER });
    const file = m.file(1, 'hole');
    m.pwrite(file, 0, [7]);
    m.fsync(file);
    m.simulation.runUntilIdle();
    const { now } = m.simulation;
    expect(now).toBeLessThanOrEqual(6 * SEC);
    m.pread(file, 0, 1);
    m.simulation.runUntilIdle();
    expect(m.simulation.now).toBe(now);
  });
});

describe('a page of ext4 that is dirty and has no buffers', () => {
  function dirtyWithoutBuffers(m: Machine): Inode {
    const file = m.file(1);
    m.mapFile(file);
    m.load(0);
    // set_page_dirty_lock by somebody who never asked page_mkwrite.
    m.kernel.mm.markDirty(file.mapping.pages.get(0));
    return file;
  }

  it('is complained about and not written', () => {
    const m = new Machine();
    const complaints: FsComplaint[] = [];
    m.kernel.complaints$.subscribe((complaint) => complaints.push(complaint));
    const file = dirtyWithoutBuffers(m);
    expect(m.fsync(file).folios).toBe(0);
    expect(complaints).toEqual([
      { fs: 'ext4', file: 'file', page: 0, message: 'page 0 does not have buffers attached' },
    ]);
    expect([m.kernel.fs.complaints, m.kernel.fs.device.blocksWritten]).toEqual([1, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('counts as clean from then on, and its mappings hear nothing of it', () => {
    const m = new Machine();
    const file = dirtyWithoutBuffers(m);
    m.log.take();
    m.fsync(file);
    expect(m.log.take()).toBe('fsync fs_complaint fsynced(0)');
    expect(m.memory.frames.has(file.mapping.pages.get(0), PG_DIRTY)).toBe(false);
    expect(m.fsync(file).folios).toBe(0);
    expect(m.kernel.fs.complaints).toBe(1);
  });

  it('is none if page_mkwrite or write(2) came first: they attach them', () => {
    const m = new Machine();
    const file = m.file(2);
    m.mapFile(file);
    m.store(0);
    m.pwrite(file, PAGE_SIZE, [1]);
    const { frames } = m.memory;
    expect([0, 1].every((page) => frames.has(file.mapping.pages.get(page), PG_PRIVATE))).toBe(true);
    m.fsync(file);
    // Buffers outlive writeback: what is dirtied out of band is then written, by luck.
    m.kernel.mm.markDirty(file.mapping.pages.get(0));
    expect([m.fsync(file).folios, m.kernel.fs.complaints]).toEqual([1, 0]);
  });
});
