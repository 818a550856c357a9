import { PAGE_SIZE } from '../../src/base/index.js';
import { US, type Task } from '../../src/engine/index.js';
import { Machine, address } from '../support/machine.js';

describe('a process', () => {
  it('has an address space of its own', () => {
    const m = new Machine();
    const other = m.kernel.createProcess('other');
    m.mapAnon(1);
    m.store(0, 7);
    expect([m.load(0), m.run(m.loading(0, other))]).toEqual([7, 'SIGSEGV']);
    expect([m.process.pid, other.pid, other.mm.id !== m.mm.id]).toEqual([1, 2, true]);
  });

  it('shares with others what it maps shared, and nothing else', () => {
    const m = new Machine();
    const file = m.file(2);
    const other = m.kernel.createProcess('other');
    m.mapFile(file);
    m.mapFileOf(other, file, { at: 10 });
    m.mapFileOf(other, file, { at: 20, share: 'private' });
    m.store(1, 7);
    expect([11, 21].map((page) => m.run(m.loading(page, other)))).toEqual([7, 7]);
    m.run(m.storing(21, 8, other));
    m.store(1, 9);
    expect([11, 21].map((page) => m.run(m.loading(page, other)))).toEqual([9, 8]);
  });
});

describe('mmap through the kernel', () => {
  it('refuses what it does not have: shared memory without a file, a file from the middle of a page', () => {
    const m = new Machine();
    const file = m.file(2);
    const at = { address: address(0), length: PAGE_SIZE, prot: 'rw' } as const;
    expect(m.errno(m.kernel.mmap(m.process, { ...at, share: 'shared' }))).toBe('EINVAL');
    const middle = { inode: file, offset: 100 };
    expect(m.errno(m.kernel.mmap(m.process, { ...at, share: 'shared', file: middle }))).toBe('EINVAL');
  });
});

describe('stores and loads', () => {
  it('go to any bytes, across pages', () => {
    const m = new Machine();
    m.mapAnon(3);
    const data = Uint8Array.from({ length: 2 * PAGE_SIZE }, (_, i) => i % 251);
    m.run(m.kernel.store(m.process, address(0) + 100, data.length, data));
    const back = new Uint8Array(data.length + 2);
    m.run(m.kernel.load(m.process, address(0) + 99, back));
    expect([back[0], back[back.length - 1]]).toEqual([0, 0]);
    expect(Buffer.compare(back.subarray(1, -1), data)).toBe(0);
  });

  it('are as old as the moment at which each page is written: a device may write while the next one is faulted in', () => {
    const m = new Machine();
    m.mapFile(m.file(40));
    m.store(38);
    let byDevice = 0;
    m.simulation.after(10 * US, 'a device writes', () => {
      byDevice = m.memory.nextStamp();
      m.memory.contents.write(m.pte(38) >>> 6, 0, 8, byDevice, new Uint8Array(8));
    });
    // The first pages come from the disk, which takes longer.
    m.run(m.kernel.store(m.process, address(0), 39 * PAGE_SIZE));
    expect(byDevice).toBeGreaterThan(0);
    expect(m.memory.contents.stampAt(m.pte(38) >>> 6, 0)).toBeGreaterThan(byDevice);
  });

  it('may be anonymous patterns: then only which store it was is kept, page by page', () => {
    const m = new Machine({ bytes: false });
    m.mapAnon(2);
    m.run(m.kernel.store(m.process, address(0) + 100, PAGE_SIZE));
    const frames = [0, 1].map((page) => m.pte(page) >>> 6);
    const { contents } = m.memory;
    expect([
      contents.stampAt(frames[0], 99),
      contents.stampAt(frames[0], 100),
      contents.stampAt(frames[1], 99),
    ]).toEqual([0, 1, 2]);
  });
});

describe('msync', () => {
  function setUp(): Machine {
    const m = new Machine();
    m.mapFile(m.file(16));
    for (const page of [8, 12]) m.store(page);
    m.log.take();
    return m;
  }

  it('writes what a shared mapping shows in the range, and leaves the rest of the file dirty', () => {
    const m = setUp();
    m.run(m.kernel.msync(m.process, address(8), PAGE_SIZE));
    expect(m.log.takeOnly(/^[<w]/)).toBe('<PROTECTION_PAGE[8,9) wb#8');
    m.run(m.kernel.msync(m.process, address(0), 16 * PAGE_SIZE));
    expect(m.log.takeOnly(/^[<w]/)).toBe('<PROTECTION_PAGE[12,13) wb#12');
  });

  it('says ENOMEM for holes, and syncs what lies behind them', () => {
    const m = setUp();
    m.munmap(10, 1);
    m.log.take();
    expect(m.errno(m.kernel.msync(m.process, address(0), 16 * PAGE_SIZE))).toBe('ENOMEM');
    expect(m.log.takeOnly(/^w/)).toBe('wb#8 wb#12');
  });

  it('has nothing to do with private mappings and anonymous memory', () => {
    const m = new Machine();
    m.mapAnon(1);
    m.mapFile(m.file(1), { at: 1, share: 'private' });
    m.store(0);
    m.store(1);
    m.log.take();
    m.run(m.kernel.msync(m.process, address(0), 2 * PAGE_SIZE));
    expect(m.log.take()).toBe('');
  });

  it('says EINVAL for an unaligned address', () => {
    const m = setUp();
    expect(m.errno(m.kernel.msync(m.process, address(8) + 1, 1))).toBe('EINVAL');
  });
});

describe('the streams of the kernel', () => {
  it('tell of invalidations, their ends, page_mkwrite, and fsyncs with what they cost', () => {
    const m = new Machine();
    const seen: string[] = [];
    m.kernel.invalidations$.subscribe(({ event }) => seen.push(`start ${event}`));
    m.kernel.invalidationEnds$.subscribe(({ event }) => seen.push(`end ${event}`));
    m.kernel.mkwrites$.subscribe(({ mm, address: at }) => seen.push(`mkwrite ${mm.name} ${at - address(0)}`));
    m.kernel.fsyncs$.subscribe(({ inode, folios }) => seen.push(`fsync ${inode.name}: ${folios}`));
    const file = m.file(2);
    m.mapFile(file);
    m.store(1);
    m.fsync(file);
    expect(seen).toEqual([
      `mkwrite mm of app ${PAGE_SIZE}`,
      'start PROTECTION_PAGE',
      'end PROTECTION_PAGE',
      'fsync file: 1',
    ]);
  });

  it('let a subscriber keep the kernel waiting', () => {
    const m = new Machine();
    m.mapAnon(1);
    m.store(0);
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'observer',
        (function* (): Task {
          yield 700;
        })(),
      );
    });
    m.munmap(0, 1);
    expect(m.simulation.now).toBe(700);
  });
});
