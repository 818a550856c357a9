import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, type Task } from '../../src/engine/index.js';
import { freezeSuper, thawSuper, truncate, writeToPageCache, type Inode } from '../../src/fs/index.js';
import { PG_DIRTY } from '../../src/mm/index.js';
import { Machine } from '../support/machine.js';

/** A frozen file system with a mapped file, whose page 0 was written to before. */
function frozen(): { m: Machine; file: Inode } {
  const m = new Machine();
  const file = m.file(4);
  m.mapFile(file);
  m.store(0, 7);
  m.run(freezeSuper(m.kernel.fs));
  m.log.take();
  return { m, file };
}

/** Begins a task and says whether it has ended 10 ms later, and whether it has when the file system thaws. */
function acrossThaw(m: Machine, task: Task<unknown>): [boolean, boolean] {
  const handle = m.simulation.spawn('writer', task);
  m.advance(10 * MS);
  const before = handle.done;
  thawSuper(m.kernel.fs);
  m.simulation.run();
  return [before, handle.done];
}

describe('a frozen file system', () => {
  it('has everything on the disk that was dirty, and mappings are clean', () => {
    const { m, file } = frozen();
    expect(m.memory.frames.has(file.mapping.pages.get(0), PG_DIRTY)).toBe(false);
    m.kernel.fs.device.powerLoss();
    m.kernel.fs.recover();
    thawSuper(m.kernel.fs);
    expect(m.pread(file, 0, 1)).toEqual([7]);
  });

  it('makes a store to a clean page wait in page_mkwrite until it thaws', () => {
    const { m } = frozen();
    expect(acrossThaw(m, m.storing(0, 8))).toEqual([false, true]);
    expect([m.load(0), m.log.takeOnly(/^mk/)]).toEqual([8, 'mk0']);
  });

  it.each([
    ['write(2)', (file: Inode): Task<unknown> => writeToPageCache(file, 0, 1, null)],
    ['ftruncate(2)', (file: Inode): Task<unknown> => truncate(file, PAGE_SIZE)],
  ])('makes %s wait', (_name, change) => {
    const { m, file } = frozen();
    expect(acrossThaw(m, change(file))).toEqual([false, true]);
  });

  it('can be read, through mappings too', () => {
    const { m, file } = frozen();
    expect([m.load(0), m.pread(file, 2 * PAGE_SIZE, 1)]).toEqual([7, [0]]);
  });

  it('cannot be frozen twice, nor thawed twice', () => {
    const { m } = frozen();
    expect(m.errno(freezeSuper(m.kernel.fs))).toBe('EBUSY');
    thawSuper(m.kernel.fs);
    expect(() => {
      thawSuper(m.kernel.fs);
    }).toThrow('is not frozen');
  });
});
