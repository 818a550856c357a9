import { forkMm } from '../../src/mm/index.js';
import { userLoad } from '../../src/mm/user-access.js';
import { checkInvariants } from '../support/invariants.js';
import { address } from '../support/machine.js';
import { SharedMemoryMachine } from '../support/shared-memory.js';

describe('guard markers in shared memory', () => {
  it('are copied at fork, with all of the page table of their mapping, and nobody is told', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode, { pages: 8 });
    m.store(2, 7);
    m.madvise('guard_install', 4, 1);
    m.log.take();
    const child = m.run(forkMm(m.mm, 'child'));
    expect(m.log.takeOnly(/[<>]/)).toBe('');
    expect(m.run(userLoad(child, address(4), new Uint8Array(1)))).toBe('SIGSEGV');
    expect(m.memory.frames.folioMapcount(m.inode.mapping.pages.get(2))).toBe(2);
    checkInvariants(m.kernel, [m.mm, child]);
  });

  it('leave their mapping one that is copied, though they were removed', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode, { pages: 8 });
    m.store(2, 7);
    m.madvise('guard_install', 4, 1);
    m.madvise('guard_remove', 4, 1);
    m.run(forkMm(m.mm, 'child'));
    expect(m.memory.frames.folioMapcount(m.inode.mapping.pages.get(2))).toBe(2);
  });
});
