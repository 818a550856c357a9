import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, US, type Task } from '../../src/engine/index.js';
import type { Inode } from '../../src/fs/index.js';
import { waitForWriteback, writeInode } from '../../src/fs/writeback.js';
import { PG_DIRTY, PG_WRITEBACK } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

/** Every driver keeps every invalidation waiting for that long. */
function slowDevice(m: Machine, ns: number): void {
  m.kernel.invalidations$.subscribe((range) => {
    range.hold(
      'nic',
      (function* (): Task {
        yield ns;
      })(),
    );
  });
}

/** What is true of the first page of a file: Locked, Dirty, under Writeback, Writable through page 0 of the process. */
function state(m: Machine, file: Inode): string {
  const { frames } = m.memory;
  const folio = file.mapping.pages.get(0);
  return [
    m.memory.isLocked(folio) ? 'L' : '-',
    frames.has(folio, PG_DIRTY) ? 'D' : '-',
    frames.has(folio, PG_WRITEBACK) ? 'W' : '-',
    (m.pte(0) & 2) !== 0 ? 'w' : '-',
  ].join('');
}

function marks(file: Inode): string {
  return (['dirty', 'towrite', 'writeback'] as const).filter((mark) => file.mapping.pages.hasMark(0, mark)).join(' ');
}

describe('the order in which a folio is written', () => {
  it('is W0 to W7 of writeback.ts', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0);
    const story: string[] = [`before: ${state(m, file)} ${marks(file)}`];
    m.simulation.trace.attach({
      event: (_time, { kind }) => story.push(`${kind}: ${state(m, file)} ${marks(file)}`),
    });
    const { device } = m.kernel.fs;
    const submitWrite = device.submitWrite.bind(device);
    device.submitWrite = (...args) => {
      story.push(`submit: ${state(m, file)} ${marks(file)}`);
      submitWrite(...args);
    };
    m.fsync(file);
    expect(story).toEqual([
      'before: -D-w dirty',
      'fsync_start: -D-w dirty',
      'folio_mkclean_start: LD-w dirty towrite', // W0 and W1 are over: it is locked
      'invalidate_start: LD-w dirty towrite',
      'arch_invalidate_secondary_tlbs: LD-- dirty towrite', // W2: the entry is clean,
      'invalidate_end: LD-- dirty towrite', //                       and the device may come back for reading
      'folio_mkclean: LD-- dirty towrite',
      'folio_start_writeback: L-W- writeback', // W4: clean by now, and marked so
      'submit: --W- writeback', // W5 and W6: unlocked, then fetched
      'folio_end_writeback: ---- ', // W7
      'fsync_end: ---- ',
    ]);
  });

  it('holds the folio lock while devices are waited for, and writes only when they have let go', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0);
    slowDevice(m, 5 * MS);
    m.simulation.spawn('fsync', m.kernel.fsync(file));
    m.advance(4 * MS);
    expect([state(m, file), m.kernel.fs.device.blocksWritten]).toEqual(['LD-w', 0]);
    m.simulation.run();
    expect([state(m, file), m.kernel.fs.device.blocksWritten]).toEqual(['----', 1]);
  });

  it('goes by the pages of the file', () => {
    const m = new Machine();
    const file = m.file(600);
    m.mapFile(file);
    for (const page of [520, 3, 40]) m.store(page);
    m.log.take();
    m.fsync(file);
    expect(m.log.takeOnly(/^wb/)).toBe('wb#3 wb#40 wb#520');
  });
});

describe('a folio that need not be written', () => {
  it('because it is clean raises no event: fsync twice', () => {
    const m = new Machine();
    const file = m.file(2);
    m.mapFile(file);
    m.store(0);
    m.load(1);
    expect(m.fsync(file).folios).toBe(1);
    m.log.take();
    expect(m.fsync(file).folios).toBe(0);
    expect(m.log.take()).toBe('fsync fsynced(0)');
  });

  it('is written without an event if it is dirty and nobody maps it', () => {
    const m = new Machine();
    const file = m.file(1);
    m.pwrite(file, 0, [5]);
    m.log.take();
    expect(m.fsync(file).folios).toBe(1);
    expect(m.log.take()).toBe('fsync wb#0 done#0 fsynced(1)');
  });

  it('raises its event, with no TLB to flush, if it is dirty by write(2) and mapped read-only', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.load(0);
    m.pwrite(file, 0, [5]);
    m.log.take();
    m.fsync(file);
    expect(m.log.takeOnly(/^[<>tc]/)).toBe('<PROTECTION_PAGE[0,1)>');
  });
});

describe('after writeback', () => {
  it('a store faults again, calls page_mkwrite and dirties: the next fsync writes it', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0, 1);
    m.fsync(file);
    m.log.take();
    m.store(0, 2);
    expect(m.log.take()).toBe('mk0 w0');
    expect(m.fsync(file).folios).toBe(1);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('what is dirtied while it is being written', () => {
  it('is still dirty when that is over, and is written again', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0, 1);
    m.simulation.spawn('fsync', m.kernel.fsync(file), { daemon: true });
    m.advance(10 * US);
    expect(state(m, file)).toBe('--W-');
    m.store(0, 2);
    expect(state(m, file)).toBe('-DWw');
    m.advance(1 * MS);
    expect([state(m, file), marks(file)]).toEqual(['-D-w', 'dirty']);
    expect(m.fsync(file).folios).toBe(1);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is waited for by a second fsync, which then writes it', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0, 1);
    const first = m.simulation.spawn('first', m.kernel.fsync(file), { daemon: true });
    m.advance(10 * US);
    m.store(0, 2);
    m.log.take();
    expect(m.fsync(file).folios).toBe(1);
    expect(first.done).toBe(true);
    expect(m.log.takeOnly(/^(wb|done|<)/)).toBe('done#0 <PROTECTION_PAGE[0,1) wb#0 done#0');
  });

  it('is left alone by background writeback until the disk is done', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0, 1);
    m.simulation.spawn('fsync', m.kernel.fsync(file), { daemon: true });
    m.advance(10 * US);
    m.store(0, 2);
    const cost = { folios: 0, deviceWaitNs: 0 };
    m.run(writeInode(file, 'background', undefined, cost));
    expect([cost.folios, state(m, file)]).toEqual([0, '-DWw']);
  });
});

describe('a write fault during writeback', () => {
  it.each([
    ['ext4', 'until the folio is unlocked (W5)', 5 * MS],
    ['btrfs', 'until the disk is done (W7)', 10 * MS + 20 * US],
  ] as const)('on %s waits %s', (fileSystem, _what, atLeast) => {
    const m = new Machine({ fileSystem, rules: false });
    const file = m.file(1);
    m.mapFile(file);
    m.store(0, 1);
    slowDevice(m, 5 * MS);
    const began = m.simulation.now;
    m.simulation.spawn('fsync', m.kernel.fsync(file), { daemon: true });
    m.advance(1 * MS);
    expect([m.load(0), m.pread(file, 0, 1)]).toEqual([1, [1]]); // reads go on
    const stored = m.simulation.spawn(
      'store',
      (function* (): Task<number> {
        yield* m.storing(0, 2);
        return m.simulation.now - began;
      })(),
    );
    // The entry stays writable until the device has let go: take it away, so that the store has to fault.
    m.mm.pageTable.set(address(0) / PAGE_SIZE, m.pte(0) & ~2);
    m.simulation.run();
    expect(stored.result).toBeGreaterThanOrEqual(atLeast);
    expect(stored.result).toBeLessThan(atLeast + 1 * MS);
    m.advance(100 * MS);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('on ext4 after W5 goes through, so that the disk may get a mixture; the page is written again', () => {
    const m = new Machine({ fileSystem: 'ext4' });
    const file = m.file(1);
    m.mapFile(file);
    m.run(m.kernel.store(m.process, address(0), PAGE_SIZE, new Uint8Array(PAGE_SIZE).fill(1)));
    m.simulation.spawn('fsync', m.kernel.fsync(file), { daemon: true });
    m.advance(1 * US);
    m.run(m.kernel.store(m.process, address(0), PAGE_SIZE, new Uint8Array(PAGE_SIZE).fill(2)));
    m.advance(1 * MS);
    const block = file.blocks.block(0);
    const onDisk = new Uint8Array(PAGE_SIZE);
    m.kernel.fs.device.media.read(block, 0, onDisk, 0, PAGE_SIZE);
    expect([onDisk[0], onDisk[PAGE_SIZE - 1]]).toEqual([1, 2]);
    m.fsync(file);
    m.kernel.fs.device.media.read(block, 0, onDisk, 0, PAGE_SIZE);
    expect([onDisk[0], onDisk[PAGE_SIZE - 1]]).toEqual([2, 2]);
  });
});

describe('a sync of two tasks at once', () => {
  it('does not return to either before the page is on the disk, whoever writes it', () => {
    const m = new Machine();
    const file = m.file(2);
    m.mapFile(file);
    m.store(0, 1);
    slowDevice(m, 5 * MS);
    // The second passes by while the first has the folio locked and waits for the device.
    const first = m.simulation.spawn('first', m.kernel.fsync(file));
    m.advance(1 * MS);
    const second = m.simulation.spawn('second', m.kernel.fsync(file));
    m.advance(4 * MS);
    expect([first.done, second.done]).toEqual([false, false]);
    m.simulation.run();
    expect(first.result.folios + second.result.folios).toBe(1);
    expect(m.kernel.fs.device.media.writtenPages()).toHaveLength(1);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a pass over the file', () => {
  it('ends: what is dirtied behind or before it meanwhile is not its business', () => {
    const m = new Machine();
    const file = m.file(24);
    m.mapFile(file);
    for (let page = 0; page < 24; page += 2) m.store(page);
    slowDevice(m, 100 * US);
    const syncing = m.simulation.spawn('fsync', m.kernel.fsync(file));
    m.advance(1 * MS);
    m.simulation.spawn(
      'app',
      (function* (): Task {
        for (let page = 1; page < 24; page += 2) yield* m.storing(page);
      })(),
    );
    m.simulation.run();
    expect(syncing.result.folios).toBe(12);
    expect(m.fsync(file).folios).toBe(12);
  });

  it('of a range writes the large folio of which a part is in it', () => {
    const m = new Machine();
    const file = m.file(64, 'hole');
    m.largeFolio(file, 16);
    m.mapFile(file);
    for (const page of [2, 20, 40]) m.store(page);
    m.log.take();
    m.run(writeInode(file, 'sync', { first: 24, end: 26 }));
    expect(m.log.takeOnly(/^[<w]/)).toBe('<PROTECTION_PAGE[16,32) wb#16');
    m.run(waitForWriteback(file, { first: 24, end: 26 }));
    expect(file.mapping.pages.anyMarked('writeback')).toBe(false);
  });

  it('skips a folio that was truncated while it waited for the lock', () => {
    const m = new Machine();
    const file = m.file(1);
    m.pwrite(file, 0, [1]);
    const folio = file.mapping.pages.get(0);
    m.simulation.spawn(
      'holder',
      (function* (): Task {
        yield* m.memory.lockFolio(folio);
        yield 1 * MS;
        m.memory.unlockFolio(folio);
      })(),
    );
    m.simulation.spawn('ftruncate', m.kernel.ftruncate(file, 0));
    const syncing = m.simulation.spawn('fsync', m.kernel.fsync(file));
    m.simulation.run();
    expect(syncing.result.folios).toBe(0);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('bytes behind the end of the file', () => {
  it('that a process stored through its mapping become zeros at every writeback', () => {
    const m = new Machine();
    const file = m.file(1, 'hole');
    m.ftruncate(file, 100);
    m.mapFile(file, { pages: 1 });
    const store = (at: number, value: number): void => {
      m.run(m.kernel.store(m.process, address(0) + at, 1, Uint8Array.of(value)));
    };
    store(99, 1);
    store(100, 2);
    m.fsync(file);
    store(200, 3);
    m.fsync(file);
    const onDisk = new Uint8Array(PAGE_SIZE);
    m.kernel.fs.device.media.read(file.blocks.block(0), 0, onDisk, 0, PAGE_SIZE);
    expect([...onDisk].reduce((sum, byte) => sum + byte, 0)).toBe(1);
  });
});

describe('a large folio under writeback', () => {
  it('is written as a whole, up to the end of the file, and is done when the last block is', () => {
    const m = new Machine();
    const file = m.file(13, 'hole');
    m.largeFolio(file, 0);
    m.mapFile(file);
    m.store(5, 9);
    m.log.take();
    m.fsync(file);
    expect(m.log.takeOnly(/^(wb|done)/)).toBe('wb#0 done#0');
    expect(m.kernel.fs.device.blocksWritten).toBe(13);
    checkInvariants(m.kernel, [m.mm]);
  });
});
