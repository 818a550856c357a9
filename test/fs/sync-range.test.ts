import { PAGE_SIZE } from '../../src/base/index.js';
import { US } from '../../src/engine/index.js';
import { fadviseDontneed, syncFileRange, type Inode, type SyncFileRangeFlag } from '../../src/fs/index.js';
import { PG_DIRTY, PG_WRITEBACK } from '../../src/mm/index.js';
import { cachedFolios } from '../support/cached-folios.js';
import { Machine } from '../support/machine.js';

function write(m: Machine, file: Inode, page: number): void {
  m.pwrite(file, page * PAGE_SIZE, new Uint8Array(PAGE_SIZE).fill(7));
}

function cached(m: Machine, file: Inode): number[] {
  return cachedFolios(m, file).map(([page]) => page);
}

describe('sync_file_range', () => {
  function sync(m: Machine, file: Inode, first: number, pages: number, ...flags: SyncFileRangeFlag[]): void {
    m.run(syncFileRange(file, first * PAGE_SIZE, (first + pages) * PAGE_SIZE - 1, new Set(flags)));
  }

  function state(m: Machine, file: Inode, page: number): string {
    const folio = m.memory.frames.folioOf(file.mapping.pages.get(page));
    if (m.memory.frames.has(folio, PG_WRITEBACK)) return 'under writeback';
    return m.memory.frames.has(folio, PG_DIRTY) ? 'dirty' : 'clean';
  }

  it('with WRITE alone begins to write the pages of the range, and no others', () => {
    const m = new Machine();
    const file = m.file(4);
    write(m, file, 1);
    write(m, file, 2);
    sync(m, file, 1, 1, 'write');
    expect([state(m, file, 1), state(m, file, 2)]).toEqual(['under writeback', 'dirty']);
  });

  it('with AFTER waits for what it began, with BEFORE for what others did', () => {
    const m = new Machine();
    const file = m.file(4);
    write(m, file, 1);
    sync(m, file, 1, 1, 'write');
    sync(m, file, 0, 4, 'before');
    expect(state(m, file, 1)).toBe('clean');
    write(m, file, 1);
    sync(m, file, 0, 4, 'before', 'write', 'after');
    expect(state(m, file, 1)).toBe('clean');
  });

  it('makes no metadata durable', () => {
    const m = new Machine();
    const file = m.file(0);
    write(m, file, 0);
    sync(m, file, 0, 1, 'before', 'write', 'after');
    expect([file.size, file.durableSize]).toEqual([PAGE_SIZE, 0]);
  });
});

// Recorded in 1140-xfs and 2744-xfs.
describe('POSIX_FADV_DONTNEED', () => {
  it('drops what is clean, and after a while what the disk has overwritten meanwhile; what is mapped stays', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file, { pages: 1 });
    m.store(0);
    write(m, file, 1);
    m.pread(file, 3 * PAGE_SIZE, PAGE_SIZE);
    m.run(fadviseDontneed(file));
    expect(cached(m, file)).toEqual([0]);
  });

  it.each(['ext4', 'xfs'] as const)('leaves on %s what was a hole: its writeback ends in a worker', (fileSystem) => {
    const m = new Machine({ fileSystem });
    const file = m.file(4, 'hole');
    write(m, file, 1);
    m.run(fadviseDontneed(file));
    expect(cached(m, file)).toEqual([1]);
    m.advance(200 * US);
    m.run(fadviseDontneed(file));
    expect(cached(m, file)).toEqual([]);
  });
});

it.each(['ext4', 'xfs'] as const)(
  'a power loss on %s takes what was written to a hole and not converted',
  (fileSystem) => {
    const m = new Machine({ fileSystem });
    const file = m.file(1, 'hole');
    write(m, file, 0);
    const blocks = m.kernel.fs.device.blocksWritten;
    m.simulation.spawn('fsync', m.kernel.fsync(file), { daemon: true });
    m.advance(50 * US);
    expect(m.kernel.fs.device.blocksWritten).toBe(blocks + 1);
    m.kernel.fs.device.powerLoss();
    m.kernel.fs.recover();
    m.advance(1000 * US);
    expect(file.blocks.record(0)).toBeUndefined();
  },
);
