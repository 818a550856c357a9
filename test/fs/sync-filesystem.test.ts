import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, US } from '../../src/engine/index.js';
import { syncFilesystem, writebackFilesystem, type Inode } from '../../src/fs/index.js';
import { PG_DIRTY, PG_WRITEBACK } from '../../src/mm/index.js';
import { Machine } from '../support/machine.js';

/** Two dirty files; the second became dirty first. */
function machine(): { m: Machine; files: Inode[] } {
  const m = new Machine();
  const files = [m.file(1), m.file(1)];
  m.mapFile(files[0]);
  m.mapFile(files[1], { at: 8 });
  m.store(8, 2);
  m.advance(MS);
  m.store(0, 1);
  m.log.take();
  return { m, files };
}

function flags(m: Machine, file: Inode): number {
  return m.memory.frames.flags[file.mapping.pages.get(0)] & (PG_DIRTY | PG_WRITEBACK);
}

describe('sync(2) of a file system', () => {
  it('writes its files in the order in which they became dirty, and waits for all of them', () => {
    const { m, files } = machine();
    m.run(syncFilesystem(m.kernel.fs));
    expect(m.log.takeOnly(/^<P/)).toBe('<PROTECTION_PAGE[8,9) <PROTECTION_PAGE[0,1)');
    expect(files.map((file) => flags(m, file))).toEqual([0, 0]);
  });

  it('makes sizes durable', () => {
    const { m, files } = machine();
    m.pwrite(files[0], PAGE_SIZE, [1]);
    m.run(syncFilesystem(m.kernel.fs));
    m.kernel.fs.device.powerLoss();
    m.kernel.fs.recover();
    expect(files[0].size).toBe(PAGE_SIZE + 1);
    expect([m.pread(files[0], 0, 1), m.pread(files[1], 0, 1)]).toEqual([[1], [2]]);
  });
});

it('background writeback leaves to itself what is being written already', () => {
  const { m, files } = machine();
  const fsync = m.simulation.spawn('fsync', m.kernel.fsync(files[1]));
  m.advance(10 * US);
  m.log.take();
  m.run(writebackFilesystem(m.kernel.fs));
  expect(m.log.takeOnly(/^<P/)).toBe('<PROTECTION_PAGE[0,1)');
  expect([fsync.done, flags(m, files[0]), flags(m, files[1])]).toEqual([true, 0, 0]);
});
