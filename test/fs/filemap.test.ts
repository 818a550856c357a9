import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, US, type Task } from '../../src/engine/index.js';
import { lockCachedFolio } from '../../src/fs/filemap.js';
import { MAX_PGOFF, PG_DIRTY, PG_UPTODATE } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

const READ_NS = 80 * US + 2048;

describe('write(2)', () => {
  it('goes to the page cache and makes it dirty; nothing is written yet', () => {
    const m = new Machine();
    const file = m.file(4);
    expect(m.pwrite(file, PAGE_SIZE - 1, [1, 2, 3])).toBe(3);
    expect(m.pread(file, PAGE_SIZE - 2, 5)).toEqual([0, 1, 2, 3, 0]);
    expect([0, 1].every((page) => m.memory.frames.has(file.mapping.pages.get(page), PG_DIRTY))).toBe(true);
    expect(m.kernel.fs.device.blocksWritten).toBe(0);
    checkInvariants(m.kernel, []);
  });

  it('is seen at once by who maps the file, and raises no event', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.load(0);
    m.log.take();
    m.pwrite(file, 0, [7]);
    expect([m.load(0), m.log.take()]).toEqual([7, '']);
  });

  it('reads what it writes only in part, not what it overwrites as a whole', () => {
    const m = new Machine();
    const file = m.file(4);
    m.pwrite(file, 0, new Uint8Array(PAGE_SIZE));
    expect(m.simulation.now).toBe(0);
    m.pwrite(file, PAGE_SIZE, [1]);
    expect(m.simulation.now).toBe(READ_NS);
  });

  it('makes the file longer, with zeros in between', () => {
    const m = new Machine();
    const file = m.file(0);
    m.pwrite(file, 2 * PAGE_SIZE + 10, [7]);
    expect(file.size).toBe(2 * PAGE_SIZE + 11);
    expect(m.pread(file, PAGE_SIZE, 10)).toEqual(new Array(10).fill(0));
  });

  it('is as old as the moment at which each page is written: somebody may write while the next one is read', () => {
    const m = new Machine();
    const file = m.file(40);
    m.mapFile(file);
    m.store(38);
    let byDevice = 0;
    m.simulation.after(READ_NS / 2, 'a device writes', () => {
      byDevice = m.memory.nextStamp();
      m.memory.contents.write(file.mapping.pages.get(38), 0, 8, byDevice, new Uint8Array(8));
    });
    m.pwrite(file, 1, new Uint8Array(39 * PAGE_SIZE - 1));
    expect(byDevice).toBeGreaterThan(0);
    expect(m.memory.contents.stampAt(file.mapping.pages.get(38), 0)).toBeGreaterThan(byDevice);
  });

  it('of two tasks is one after the other (i_rwsem)', () => {
    const m = new Machine();
    const file = m.file(2);
    const data = (value: number): Uint8Array => new Uint8Array(200).fill(value);
    m.simulation.spawn('one', m.kernel.pwrite(file, PAGE_SIZE - 100, 200, data(1)));
    m.simulation.spawn('two', m.kernel.pwrite(file, PAGE_SIZE - 100, 200, data(2)));
    m.simulation.run();
    expect(m.pread(file, PAGE_SIZE - 100, 200)).toEqual([...data(2)]);
  });

  it('on btrfs waits for a page under writeback, on ext4 does not', () => {
    const waited = (['ext4', 'btrfs'] as const).map((fileSystem) => {
      const m = new Machine({ fileSystem });
      const file = m.file(1);
      m.pwrite(file, 0, new Uint8Array(PAGE_SIZE).fill(1));
      m.simulation.spawn('fsync', m.kernel.fsync(file), { daemon: true });
      m.advance(1 * US);
      const began = m.simulation.now;
      m.pwrite(file, 0, [2]);
      return m.simulation.now - began > 20 * US;
    });
    expect(waited).toEqual([false, true]);
  });

  it('writes less than asked for when memory has run out', () => {
    const m = new Machine({ memory: 8 * PAGE_SIZE });
    m.kernel.mm.reclaimer = null;
    const file = m.file(0);
    expect(m.pwrite(file, 0, new Uint8Array(16 * PAGE_SIZE))).toBe(7 * PAGE_SIZE);
    expect(file.size).toBe(7 * PAGE_SIZE);
  });

  it('says which of its arguments are wrong', () => {
    const m = new Machine();
    const file = m.file(1);
    const { kernel } = m;
    expect([
      m.errno(kernel.pwrite(file, -1, 1)),
      m.errno(kernel.pwrite(file, 0, 2, new Uint8Array(1))),
      m.errno(kernel.pwrite(file, MAX_PGOFF * PAGE_SIZE, 1)),
      m.errno(kernel.pwrite(file, 0, 0)),
    ]).toEqual(['EINVAL', 'EFAULT', 'EFBIG', null]);
  });
});

describe('read(2)', () => {
  it('ends with the file', () => {
    const m = new Machine();
    const file = m.file(1);
    m.ftruncate(file, 10);
    m.pwrite(file, 8, [5]);
    expect([m.pread(file, 8, 100), m.pread(file, 10, 1), m.pread(file, 1000, 1)]).toEqual([[5, 0], [], []]);
    expect(m.errno(m.kernel.pread(file, -1, new Uint8Array(1)))).toBe('EINVAL');
  });

  it('brings each page in once', () => {
    const m = new Machine();
    const file = m.file(2);
    m.pread(file, 0, 2 * PAGE_SIZE);
    const { now } = m.simulation;
    expect(now).toBeLessThan(2 * READ_NS);
    m.pread(file, 0, 2 * PAGE_SIZE);
    expect(m.simulation.now).toBe(now);
    checkInvariants(m.kernel, []);
  });

  it('does not wait for the lock of a page that is valid: one that devices are kept from, for one', () => {
    const m = new Machine();
    const file = m.file(1);
    m.pwrite(file, 0, new Uint8Array(PAGE_SIZE).fill(5));
    m.simulation.spawn(
      'holder',
      (function* (): Task {
        yield* m.memory.lockFolio(file.mapping.pages.get(0));
        yield 10 * MS;
        m.memory.unlockFolio(file.mapping.pages.get(0));
      })(),
      { daemon: true },
    );
    m.advance(1);
    const began = m.simulation.now;
    expect(m.pread(file, 0, 1)).toEqual([5]);
    expect(m.simulation.now).toBe(began);
  });
});

describe('the page of a file', () => {
  it('is given locked, with a reference', () => {
    const m = new Machine();
    const file = m.file(2);
    m.run(
      (function* (): Task {
        const folio = yield* lockCachedFolio(file, 1);
        expect([m.memory.isLocked(folio), m.memory.frames.refcount[folio]]).toEqual([true, 2]);
        expect(m.memory.frames.has(folio, PG_UPTODATE)).toBe(true);
        m.memory.unlockFolio(folio);
        m.memory.put(folio);
      })(),
    );
    checkInvariants(m.kernel, []);
  });

  it('is one page for all who want it at once, read once', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.simulation.spawn('reader', m.kernel.pread(file, 0, new Uint8Array(1)));
    m.simulation.spawn('writer', m.kernel.pwrite(file, 1, 1));
    m.simulation.spawn('process', m.kernel.load(m.process, address(0), new Uint8Array(1)));
    m.simulation.run();
    expect(m.simulation.now).toBe(READ_NS);
    expect(file.mapping.pages.size).toBe(1);
    checkInvariants(m.kernel, [m.mm]);
  });
});
