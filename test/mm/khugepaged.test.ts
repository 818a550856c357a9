import { checkInvariants } from '../support/invariants.js';
import { Machine } from '../support/machine.js';
import { SharedMemoryMachine } from '../support/shared-memory.js';

describe('MADV_COLLAPSE', () => {
  it('goes block by block, behind those that fail for now', () => {
    const m = new Machine({ memory: 32 * 2 ** 20 });
    m.mapAnon(1536);
    m.madvise('nohugepage', 0, 1536);
    for (const page of [0, 1024]) m.store(page);
    m.madvise('hugepage', 0, 1536);
    m.log.take();
    expect(m.madvise('collapse', 0, 1536)).toBe('EINVAL');
    expect(m.log.take()).toBe('<CLEAR[0,512) t[0,512)> <CLEAR[1024,1536) t[1024,1536)>');
    checkInvariants(m.kernel, [m.mm]);
  });

  it('leaves blocks alone of which only a part is advised; a part within one block is an error', () => {
    const m = new Machine({ memory: 32 * 2 ** 20 });
    m.mapAnon(1024);
    m.store(0);
    expect(m.madvise('collapse', 0, 511)).toBeNull();
    expect(m.madvise('collapse', 512, 511)).toBeNull();
    expect(m.madvise('collapse', 1, 510)).toBe('EINVAL');
  });

  it('is refused for memory that wants no huge entries, has had no page yet, is too small, or has a disk behind it', () => {
    const m = new Machine({ memory: 32 * 2 ** 20 });
    m.mapAnon(512);
    expect(m.madvise('collapse', 0, 512)).toBe('EINVAL');
    m.store(0);
    m.madvise('nohugepage', 0, 512);
    expect(m.madvise('collapse', 0, 512)).toBe('EINVAL');
    m.mapAnon(511, { at: 1024 });
    m.store(1024);
    expect(m.madvise('collapse', 1024, 511)).toBe('EINVAL');
    m.mapFile(m.file(512), { at: 2048 });
    m.store(2048);
    expect(m.madvise('collapse', 2048, 512)).toBe('EINVAL');
  });

  it('is refused for shared memory that is not mapped as a huge entry would show it', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode, { pages: 1023, offset: 1 });
    m.store(0);
    expect(m.madvise('collapse', 0, 512)).toBe('EINVAL');
  });
});
