import { PAGE_SIZE } from '../../src/base/index.js';
import { SEC, type Task } from '../../src/engine/index.js';
import { LINUX_WRITEBACK_TIMERS } from '../../src/fs/index.js';
import { PG_DIRTY } from '../../src/mm/index.js';
import { Machine } from '../support/machine.js';

/** Virtual times in s at which folios went under writeback, by page. */
function writebacks(m: Machine): string[] {
  const seen: string[] = [];
  m.simulation.trace.attach({
    event: (time, { kind, file, file_page }) => {
      if (kind === 'folio_start_writeback')
        seen.push(`${String(file)}#${String(file_page)} at ${Math.floor(time / SEC)} s`);
    },
  });
  return seen;
}

describe('background writeback', () => {
  it('wakes every 5 s while something is dirty and writes what has been dirty for 30 s', () => {
    expect(LINUX_WRITEBACK_TIMERS).toEqual({ writeback: 5 * SEC, expire: 30 * SEC });
    for (const dirtiedAt of [0, 1, 4.9, 7, 33]) {
      const m = new Machine();
      const file = m.file(1, 'hole');
      m.advance(dirtiedAt * SEC);
      m.pwrite(file, 0, [1]);
      const dirtied = m.simulation.now;
      let writtenAfter = -1;
      m.simulation.trace.attach({
        event: (time, { kind }) => {
          if (kind === 'folio_start_writeback') writtenAfter = (time - dirtied) / SEC;
        },
      });
      m.simulation.runUntilIdle();
      expect(writtenAfter).toBeGreaterThanOrEqual(30);
      expect(writtenAfter).toBeLessThanOrEqual(35);
      expect(m.kernel.flusher.folios).toBe(1);
    }
  });

  it('cleans the mappings of what it writes, so that drivers are told', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0);
    m.log.take();
    m.advance(36 * SEC);
    expect(m.log.takeOnly(/^[<>twd]/)).toBe('<PROTECTION_PAGE[0,1) t[0,1)> wb#0 done#0');
    expect(m.memory.frames.has(file.mapping.pages.get(0), PG_DIRTY)).toBe(false);
  });

  it('goes by the age of the inode: all its pages go with the oldest one', () => {
    const m = new Machine();
    const seen = writebacks(m);
    const file = m.file(2, 'hole');
    m.pwrite(file, 0, [1]);
    m.advance(28 * SEC);
    m.pwrite(file, PAGE_SIZE, [1]);
    m.simulation.runUntilIdle();
    expect(seen).toEqual(['file#0 at 30 s', 'file#1 at 30 s']);
  });

  it('writes the oldest inodes first, and leaves younger ones for later', () => {
    const m = new Machine();
    const seen = writebacks(m);
    const [young, middle, old] = ['young', 'middle', 'old'].map((name) =>
      m.kernel.fs.createFile(name, PAGE_SIZE, 'hole'),
    );
    m.pwrite(old, 0, [1]);
    m.advance(1 * SEC);
    m.pwrite(middle, 0, [1]);
    m.advance(20 * SEC);
    m.pwrite(young, 0, [1]);
    m.simulation.runUntilIdle();
    expect(seen).toEqual(['old#0 at 30 s', 'middle#0 at 35 s', 'young#0 at 55 s']);
  });

  it('does not take an fsync for a new beginning: only it makes an inode clean', () => {
    const m = new Machine();
    const seen = writebacks(m);
    const file = m.file(1, 'hole');
    m.pwrite(file, 0, [1]);
    m.advance(10 * SEC);
    m.fsync(file);
    m.advance(19 * SEC);
    m.pwrite(file, 0, [2]);
    m.simulation.runUntilIdle();
    expect(seen).toEqual(['file#0 at 10 s', 'file#0 at 30 s']);
    expect(file.dirtiedWhen).toBeNull();
  });

  it('comes back 30 s after its pass to what was dirtied meanwhile', () => {
    const m = new Machine();
    const seen = writebacks(m);
    const file = m.file(2, 'hole');
    m.mapFile(file);
    m.store(0);
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'nic',
        (function* (): Task {
          yield 2 * SEC;
        })(),
      );
    });
    m.advance(31 * SEC);
    m.store(1); // the pass is at page 0, and would find page 1 too; page 0 again it does not
    m.advance(1.5 * SEC);
    m.store(0);
    m.simulation.runUntilIdle();
    expect(seen).toEqual(['file#0 at 32 s', 'file#1 at 34 s', 'file#0 at 66 s']);
  });

  it('makes one pass at a time, however long a device keeps it', () => {
    const m = new Machine();
    const seen = writebacks(m);
    const slow = m.file(1, 'hole');
    const other = m.kernel.fs.createFile('other', PAGE_SIZE, 'hole');
    m.mapFile(slow);
    m.store(0);
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'nic',
        (function* (): Task {
          yield 20 * SEC;
        })(),
      );
    });
    m.advance(10 * SEC);
    m.pwrite(other, 0, [1]);
    m.simulation.runUntilIdle();
    // At 45 s the other one was due, and waited for the end of this pass.
    expect(seen).toEqual(['file#0 at 50 s', 'other#0 at 50 s']);
  });

  it('schedules nothing while nothing is dirty', () => {
    const m = new Machine();
    const file = m.file(1);
    m.pread(file, 0, 1);
    const began = m.simulation.now;
    m.simulation.runUntilIdle();
    expect(m.simulation.now).toBe(began);
    m.pwrite(file, 0, [1]);
    m.simulation.runUntilIdle();
    const idle = m.simulation.now;
    expect(idle).toBeGreaterThan(30 * SEC);
    m.simulation.runUntilIdle();
    expect(m.simulation.now).toBe(idle);
  });

  it('can be switched off', () => {
    const m = new Machine({ writeback: { writeback: 0, expire: 0 } });
    const file = m.file(1, 'hole');
    m.pwrite(file, 0, [1]);
    m.simulation.runUntilIdle();
    expect(m.kernel.flusher.folios).toBe(0);
    expect(m.memory.frames.has(file.mapping.pages.get(0), PG_DIRTY)).toBe(true);
  });

  it('writes everything at once, whatever its age, when somebody needs memory', () => {
    const m = new Machine();
    const seen = writebacks(m);
    const [young, old] = ['young', 'old'].map((name) => m.kernel.fs.createFile(name, PAGE_SIZE, 'hole'));
    m.pwrite(old, 0, [1]);
    m.advance(1 * SEC);
    m.pwrite(young, 0, [1]);
    m.kernel.flusher.wake();
    m.kernel.flusher.wake();
    m.advance(1 * SEC);
    expect(seen).toEqual(['old#0 at 1 s', 'young#0 at 1 s']);
    m.simulation.runUntilIdle();
    expect(seen.length).toBe(2);
  });

  it('forgets an inode whose pages were truncated', () => {
    const m = new Machine();
    const file = m.file(1, 'hole');
    m.pwrite(file, 0, [1]);
    m.ftruncate(file, 0);
    m.simulation.runUntilIdle();
    expect([m.kernel.flusher.folios, file.dirtiedWhen]).toEqual([0, null]);
  });
});
