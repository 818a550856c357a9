import { PAGE_SIZE } from '../../src/base/index.js';
import { SEC, US, type Task } from '../../src/engine/index.js';
import { HOLE, fsync, type FsComplaint, type Inode } from '../../src/fs/index.js';
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
    expect(new Machine().file(1).mapping.options).toMatchObject({ stableWrites: false, canWriteback: true });
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

describe('ordered data of ext4', () => {
  /** The byte of a block that a reader would get after power loss and recovery. */
  function afterPowerLoss(m: Machine, file: Inode, offset: number): number[] {
    powerLoss(m);
    return m.pread(file, offset, 1);
  }

  function written(m: Machine): Inode {
    const file = m.file(0);
    m.pwrite(file, 0, new Uint8Array(PAGE_SIZE).fill(0x53));
    m.fsync(file);
    return file;
  }

  it.each([
    ['is cut and grows again', 'ftruncate'],
    ['is cut and written to behind its end', 'pwrite'],
  ] as const)('are the zeros behind the end of a file that %s: old data do not come back', (_, how) => {
    for (let seed = 1; seed <= 10; seed++) {
      const m = new Machine({ seed, writeback: NEVER });
      const file = written(m);
      m.ftruncate(file, 100);
      if (how === 'ftruncate') m.ftruncate(file, PAGE_SIZE);
      else m.pwrite(file, 2 * PAGE_SIZE, [1]);
      // Nobody writes page 0 back: the journal does, by itself or for whoever syncs the new page alone.
      if (how === 'ftruncate') m.advance(6 * SEC);
      else m.run(fsync(file, { first: 2, end: 3 }));
      expect(afterPowerLoss(m, file, 200)).toEqual([0]);
    }
  });

  it('are written before the commit that needs them, whoever asks for it, and devices are told', () => {
    const m = new Machine({ writeback: NEVER });
    const file = written(m);
    m.mapFile(file);
    m.store(0);
    m.fsync(file);
    m.ftruncate(file, 100);
    const other = m.kernel.fs.createFile('other', 0, 'hole');
    m.pwrite(other, 0, [1]);
    m.store(0);
    m.log.take();
    m.fsync(other);
    expect(m.log.takeOnly(/^[<>t]|^wb|^done|^fsync/)).toBe(
      'fsync wb#0 done#0 <PROTECTION_PAGE[0,1) t[0,1)> wb#0 done#0 fsynced(1)',
    );
    expect(file.durableSize).toBe(100);
  });

  it('do not let a commit show a larger size before the tail is zeroed', () => {
    const m = new Machine({ writeback: NEVER });
    const file = written(m);
    m.ftruncate(file, 100);
    m.fsync(file);
    // The last page has to come from the disk before it can be zeroed.
    m.run(m.kernel.reclaim.shrink(Infinity));
    m.simulation.spawn('grow', m.kernel.ftruncate(file, PAGE_SIZE));
    m.advance(10 * US);
    expect([file.size, file.diskSize]).toEqual([100, 100]);
    m.simulation.run();
    expect([file.size, file.diskSize]).toEqual([PAGE_SIZE, PAGE_SIZE]);
  });

  it('are forgotten with what a power loss undid', () => {
    const m = new Machine({ writeback: NEVER });
    const file = written(m);
    m.ftruncate(file, 100);
    expect(afterPowerLoss(m, file, 200)).toEqual([0x53]);
    m.advance(6 * SEC);
    expect([file.durableSize, m.kernel.fs.mustCommit(file)]).toEqual([PAGE_SIZE, false]);
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
