import { PAGE_SIZE } from '../../src/base/index.js';
import { SEC, US, type Task } from '../../src/engine/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine } from '../support/machine.js';

function powerLoss(m: Machine): void {
  m.kernel.fs.device.powerLoss();
  m.kernel.fs.recover();
}

describe.each(['ext4', 'btrfs'] as const)('a file on %s after power loss and recovery', (fileSystem) => {
  it('reads as the disk has it, not as the page cache had it', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(1);
    m.pwrite(file, 0, [1, 2, 3, 4]);
    m.fsync(file);
    m.pwrite(file, 0, [9, 9, 9, 9]);
    powerLoss(m);
    expect(file.mapping.pages.size).toBe(0);
    expect(m.pread(file, 0, 4)).toEqual([1, 2, 3, 4]);
  });

  it('can be written and synced, and loses power again', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(2);
    m.pwrite(file, 0, [1]);
    powerLoss(m);
    m.pwrite(file, PAGE_SIZE, [2]);
    m.fsync(file);
    powerLoss(m);
    expect([m.pread(file, 0, 1), m.pread(file, PAGE_SIZE, 1)]).toEqual([[0], [2]]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is no longer what was mapped before: who mapped it keeps the frames', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(1);
    m.mapFile(file);
    m.store(0, 7);
    powerLoss(m);
    expect([m.load(0), m.pread(file, 0, 1)]).toEqual([7, [0]]);
    m.munmap(0, 1);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('does not get what a driver had kept the kernel from writing', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(1);
    m.mapFile(file);
    m.store(0, 1);
    m.fsync(file);
    m.store(0, 9);
    m.kernel.invalidations$.subscribe((range) => range.hold('slow', wait(500 * US)));
    function* wait(ns: number): Task {
      yield ns;
    }
    m.simulation.spawn('fsync', m.kernel.fsync(file));
    m.advance(200 * US);
    powerLoss(m);
    m.simulation.run();
    m.simulation.runUntilIdle();
    m.fsync(m.file(1));
    expect(m.pread(file, 0, 1)).toEqual([1]);
  });

  it('does not get what was on its way to the disk, and who waited for that does not wait for ever', () => {
    for (let at = 0; at < 400 * US; at += 7 * US) {
      const m = new Machine({ fileSystem });
      const file = m.file(8);
      m.pwrite(file, 0, new Uint8Array(8 * PAGE_SIZE).fill(7));
      m.simulation.spawn('fsync', m.kernel.fsync(file));
      m.advance(at);
      powerLoss(m);
      const left = [0, 1, 2, 3, 4, 5, 6, 7].map((page) => file.blocks.durableRecord(page));
      // Whatever went on runs on: nothing of it may reach the file that was mounted anew.
      m.simulation.run();
      m.simulation.runUntilIdle();
      expect([0, 1, 2, 3, 4, 5, 6, 7].map((page) => file.blocks.record(page))).toEqual(left);
      checkInvariants(m.kernel, [m.mm]);
    }
  });

  it('is written in the background again', () => {
    const m = new Machine({ fileSystem });
    const file = m.file(1);
    function* dirtyAndWait(): Task {
      yield* m.kernel.pwrite(file, 0, 1, Uint8Array.of(7));
      yield 40 * SEC;
    }
    m.pwrite(file, 0, [1]);
    powerLoss(m);
    const before = m.kernel.flusher.folios;
    m.run(dirtyAndWait());
    expect([m.kernel.flusher.folios - before, m.fsync(file).folios]).toEqual([1, 0]);
  });
});
