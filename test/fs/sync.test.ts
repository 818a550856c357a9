import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, SEC, US, type Task } from '../../src/engine/index.js';
import type { Inode } from '../../src/fs/index.js';
import { fsync } from '../../src/fs/index.js';
import { P0 } from '../../src/kernel/index.js';
import { pinUserPages } from '../../src/mm/index.js';
import { Machine, address } from '../support/machine.js';

/** The first byte of a page as a power loss and a recovery leave it. */
function afterPowerLoss(m: Machine, file: Inode, page: number): number {
  const { fs } = m.kernel;
  fs.device.powerLoss();
  fs.recover();
  const record = file.blocks.record(page);
  const byte = new Uint8Array(1);
  if (record !== undefined) fs.device.media.read(record.block, 0, byte, 0, 1);
  return byte[0];
}

describe.each(['ext4', 'btrfs'] as const)('fsync on %s', (fileSystem) => {
  it('waits for the data and then flushes: afterwards they survive a power loss', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const m = new Machine({ fileSystem, seed });
      const file = m.file(2);
      m.mapFile(file);
      m.store(0, 7);
      const began = m.simulation.now;
      const cost = m.fsync(file);
      expect(cost).toMatchObject({ folios: 1, deviceWaitNs: 0, ns: m.simulation.now - began });
      expect(cost.ns).toBeGreaterThan(20 * US + 100 * US);
      expect(afterPowerLoss(m, file, 0)).toBe(7);
    }
  });

  it('waits for what somebody else is writing already', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(1);
    m.pwrite(file, 0, [7]);
    const first = m.simulation.spawn('first', m.kernel.fsync(file));
    m.advance(10 * US);
    expect(m.fsync(file).folios).toBe(0);
    expect(first.done).toBe(true);
    expect(afterPowerLoss(m, file, 0)).toBe(7);
  });

  it('flushes though nothing is dirty: the disk may still have its cache full', () => {
    const m = new Machine({ fileSystem });
    expect(m.fsync(m.file(1)).ns).toBe(100 * US);
  });

  it('says how long devices kept it waiting', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(1);
    m.mapFile(file);
    m.store(0);
    let events = 0;
    m.kernel.invalidations$.subscribe((range) => {
      events++;
      range.hold(
        'nic',
        (function* (): Task {
          yield 3 * MS;
        })(),
      );
    });
    expect(m.fsync(file).deviceWaitNs).toBe(events * 3 * MS);
  });

  it('may leave what is dirtied after it began to the next one', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(2);
    m.pwrite(file, 0, [1]);
    const syncing = m.simulation.spawn('fsync', m.kernel.fsync(file));
    m.advance(1 * US);
    m.pwrite(file, PAGE_SIZE, [2]);
    m.simulation.run();
    expect(syncing.result.folios).toBe(1);
    expect(m.fsync(file).folios).toBe(1);
  });

  it('makes the size durable with the data', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(0);
    m.pwrite(file, 3 * PAGE_SIZE, [7]);
    expect(file.durableSize).toBe(0);
    m.fsync(file);
    expect(file.durableSize).toBe(3 * PAGE_SIZE + 1);
    expect(afterPowerLoss(m, file, 3)).toBe(7);
    expect(file.size).toBe(3 * PAGE_SIZE + 1);
  });

  it('does not see what a device writes through a pin into a page that counts as clean (F5, F6)', () => {
    const m = new Machine({ fileSystem, policy: P0 });
    const file = m.file(1);
    m.mapFile(file);
    const [frame] = m.run(pinUserPages(m.mm, address(0), PAGE_SIZE, { write: true, longterm: true }));
    m.store(0, 1);
    m.fsync(file);
    m.memory.contents.write(frame, 0, 1, m.memory.nextStamp(), Uint8Array.of(2));
    expect(m.load(0)).toBe(2);
    expect(m.fsync(file).folios).toBe(0);
    expect(afterPowerLoss(m, file, 0)).toBe(1);
  });
});

describe('timestamps', () => {
  /** A file with blocks, one page of which is dirty through a mapping; metadata are durable but for the time. */
  function touched(): { m: Machine; file: Inode } {
    const m = new Machine({ fileSystem: 'ext4' });
    const file = m.file(1);
    m.mapFile(file);
    m.store(0);
    return { m, file };
  }

  it('change at the first store to a clean page: fsync commits them, fdatasync leaves them', () => {
    const [synced, datasynced] = [touched(), touched()];
    const fsyncNs = synced.m.fsync(synced.file).ns;
    const fdatasyncNs = datasynced.m.run(datasynced.m.kernel.fdatasync(datasynced.file)).ns;
    // A record that is durable when it completes: 20 + 100 us, and the two blocks themselves.
    expect(fsyncNs - fdatasyncNs).toBeGreaterThan(120 * US);
    expect(synced.m.kernel.fs.mustCommit(synced.file)).toBe(false);
    expect(datasynced.m.kernel.fs.mustCommit(datasynced.file)).toBe(true);
    expect(datasynced.m.kernel.fs.mustCommit(datasynced.file, true)).toBe(false);
  });

  it('are what msync leaves, too', () => {
    const { m, file } = touched();
    m.run(m.kernel.msync(m.process, address(0), PAGE_SIZE));
    expect(m.kernel.fs.mustCommit(file)).toBe(true);
  });

  it('are no finer than a tick of the kernel: a second store within it changes nothing', () => {
    const { m, file } = touched();
    m.fsync(file);
    m.store(0);
    expect(m.kernel.fs.mustCommit(file)).toBe(false);
    m.fsync(file);
    m.advance(4 * MS);
    m.store(0);
    expect(m.kernel.fs.mustCommit(file)).toBe(true);
  });

  it('of write(2) change as well, and become durable by themselves', () => {
    const m = new Machine({ fileSystem: 'ext4', writeback: { writeback: 0, expire: 0 } });
    const file = m.file(1);
    m.pwrite(file, 0, [1]);
    expect(m.kernel.fs.mustCommit(file)).toBe(true);
    m.advance(6 * SEC);
    expect(m.kernel.fs.mustCommit(file)).toBe(false);
  });

  it('do not change if a file grows by no data: fdatasync still commits a new size', () => {
    const m = new Machine({ fileSystem: 'ext4' });
    const file = m.file(1);
    m.ftruncate(file, 2 * PAGE_SIZE);
    m.run(m.kernel.fdatasync(file));
    expect(file.durableSize).toBe(2 * PAGE_SIZE);
  });
});

describe('fsync of a range', () => {
  // Recorded in wb_states: msync of one page of two dirty ones.
  it('writes that range on ext4', () => {
    const m = new Machine({ fileSystem: 'ext4' });
    const file = m.file(16);
    m.mapFile(file);
    for (const page of [8, 12]) m.store(page);
    expect(m.run(fsync(file, { first: 8, end: 9 })).folios).toBe(1);
    expect(m.fsync(file).folios).toBe(1);
  });

  it('writes the whole file on btrfs', () => {
    const m = new Machine({ fileSystem: 'btrfs' });
    const file = m.file(16);
    m.mapFile(file);
    for (const page of [8, 12]) m.store(page);
    expect(m.run(fsync(file, { first: 8, end: 9 })).folios).toBe(2);
  });
});
