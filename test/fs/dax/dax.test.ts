import { PAGE_SIZE } from '../../../src/base/index.js';
import {
  Ext4Dax,
  directRead,
  directWrite,
  fallocate,
  freezeSuper,
  fsync,
  thawSuper,
  type Inode,
} from '../../../src/fs/index.js';
import { PTE_DIRTY, PTE_WRITE, ZERO_FRAME, pteFrame } from '../../../src/mm/index.js';
import { Machine } from '../../support/machine.js';

/** A DAX file of 8 pages, mapped from page 0 on. */
function machine(content: 'written' | 'hole' = 'hole'): { m: Machine; fs: Ext4Dax; file: Inode } {
  const m = new Machine();
  const fs = new Ext4Dax(m.kernel.mm, m.kernel.fs.device);
  const file = fs.createFile('pmem', 8 * PAGE_SIZE, content);
  m.mapFile(file);
  return { m, fs, file };
}

describe('a fault on a DAX file', () => {
  it('maps the block itself: there is no page cache', () => {
    const { m, fs, file } = machine('written');
    m.store(2, 7);
    expect(pteFrame(m.pte(2))).toBe(fs.pageFrame(file, 2));
    expect([file.mapping.pages.size, m.pread(file, 2 * PAGE_SIZE, 1)]).toEqual([0, [7]]);
  });

  it('maps the zero page for a read of a hole, and takes it away when the hole gets a block', () => {
    const { m, fs, file } = machine();
    m.mapFile(file, { at: 100 });
    m.load(2);
    m.load(102);
    expect(pteFrame(m.pte(102))).toBe(ZERO_FRAME);
    m.log.take();
    m.store(2, 7);
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[2,3) <CLEAR[102,103)');
    expect([m.load(102), pteFrame(m.pte(102))]).toEqual([7, fs.pageFrame(file, 2)]);
  });

  it('gives a private mapping a copy', () => {
    const { m, file } = machine('written');
    m.mapFile(file, { at: 100, share: 'private' });
    m.store(102, 9);
    m.store(103, 9);
    expect([m.load(102), m.load(2)]).toEqual([9, 0]);
  });

  it('is a SIGBUS behind the end of the file', () => {
    const { m, file } = machine();
    m.ftruncate(file, 2 * PAGE_SIZE);
    expect([m.load(2), m.store(2)]).toEqual(['SIGBUS', 'SIGBUS']);
  });

  it('for writing waits while the file system is frozen', () => {
    const { m, fs } = machine('written');
    m.run(freezeSuper(fs));
    const store = m.simulation.spawn('store', m.storing(1, 7));
    m.advance(1000);
    expect(store.done).toBe(false);
    thawSuper(fs);
    m.simulation.run();
    expect([store.done, m.load(1)]).toEqual([true, 7]);
  });
});

describe('fsync of a DAX file', () => {
  it('makes dirty entries read-only and clean, once, whoever mapped them', () => {
    const { m, file } = machine('written');
    m.store(4, 7);
    m.store(2, 7);
    m.log.take();
    m.run(fsync(file));
    expect(m.log.takeOnly(/^</)).toBe('<PROTECTION_PAGE[2,3) <PROTECTION_PAGE[4,5)');
    expect(m.pte(4) & (PTE_WRITE | PTE_DIRTY)).toBe(0);
    m.run(fsync(file));
    expect(m.log.takeOnly(/^</)).toBe('');
    m.store(4, 8);
    expect(m.load(4)).toBe(8);
  });

  it('writes the pages of its range only', () => {
    const { m, file } = machine('written');
    m.store(1, 7);
    m.store(3, 7);
    m.log.take();
    m.run(fsync(file, { first: 2, end: 4 }));
    expect(m.log.takeOnly(/^</)).toBe('<PROTECTION_PAGE[3,4)');
  });
});

describe('reads and writes of a DAX file', () => {
  it('go to the device, and show at once in mappings', () => {
    const { m, file } = machine('written');
    m.load(1);
    m.log.take();
    m.pwrite(file, PAGE_SIZE, [5]);
    expect([m.load(1), m.log.takeOnly(/^</)]).toEqual([5, '']);
  });

  it('unmap what showed a hole for each run of new blocks, if anything was mapped', () => {
    const { m, file } = machine();
    m.pwrite(file, 3 * PAGE_SIZE, [1]);
    m.load(7);
    m.log.take();
    m.pwrite(file, PAGE_SIZE, new Uint8Array(4 * PAGE_SIZE).fill(2));
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[1,3) <CLEAR[4,5)');
    expect([1, 2, 3, 4, 5].map((page) => m.load(page))).toEqual([2, 2, 2, 2, 0]);
  });

  it('make the file longer', () => {
    const { m, file } = machine();
    m.pwrite(file, 9 * PAGE_SIZE, [1, 2]);
    expect([file.size, m.pread(file, 9 * PAGE_SIZE, 9)]).toEqual([9 * PAGE_SIZE + 2, [1, 2]]);
  });

  it('with O_DIRECT are no different', () => {
    const { m, file } = machine();
    const frame = m.memory.allocate(0);
    m.memory.contents.write(frame, 0, PAGE_SIZE, m.memory.nextStamp(), new Uint8Array(PAGE_SIZE).fill(6), 0);
    expect(m.run(directWrite(file, PAGE_SIZE, [frame]))).toBe(PAGE_SIZE);
    m.memory.contents.clear(frame);
    expect(m.run(directRead(file, PAGE_SIZE, [frame]))).toBe(PAGE_SIZE);
    const byte = new Uint8Array(1);
    m.memory.contents.read(frame, 0, byte, 0, 1);
    expect(byte[0]).toBe(6);
  });
});

describe('what moves blocks of a DAX file', () => {
  it('unmaps all of it first, and what was dirty is known no more', () => {
    const { m, file } = machine('written');
    m.store(1, 7);
    m.log.take();
    m.run(fallocate(file, 'punch', 4 * PAGE_SIZE, PAGE_SIZE));
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[0,8) <CLEAR[4,5)');
    m.run(fsync(file));
    expect(m.log.takeOnly(/^</)).toBe('');
    expect(m.load(1)).toBe(7);
  });

  it('zeroes parts of pages where they lie', () => {
    const { m, file } = machine();
    m.pwrite(file, 0, new Uint8Array(8 * PAGE_SIZE).fill(7));
    m.run(fallocate(file, 'punch', PAGE_SIZE + 100, PAGE_SIZE));
    expect(
      [PAGE_SIZE + 99, PAGE_SIZE + 100, 2 * PAGE_SIZE + 99, 2 * PAGE_SIZE + 100].map((at) => m.pread(file, at, 1)[0]),
    ).toEqual([7, 0, 0, 7]);
  });
});
