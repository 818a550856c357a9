import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, US, type Task } from '../../src/engine/index.js';
import { FileVmOperations } from '../../src/fs/vm-operations.js';
import {
  PG_DIRTY,
  PG_PRIVATE,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  Vma,
  type FaultResult,
  PTE_NONE,
  type VmFault,
} from '../../src/mm/index.js';
import type { Inode } from '../../src/fs/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

function faultOn(m: Machine, file: Inode, page: number, write = false): VmFault {
  const vma = new Vma(m.mm, address(0), address(64), VM_READ | VM_WRITE | VM_SHARED, 0, file);
  return {
    vma,
    address: address(page),
    pgoff: page,
    write,
    unshare: false,
    allowRetry: false,
    entry: PTE_NONE,
    frame: 0,
  };
}

/** Runs a handler and gives back what it left locked. */
function handle(m: Machine, fault: VmFault, handler: Task<FaultResult>): FaultResult {
  return m.run(
    (function* (): Task<FaultResult> {
      const result = yield* handler;
      if (result === 'locked') {
        const folio = m.memory.frames.folioOf(fault.frame);
        expect(m.memory.isLocked(folio)).toBe(true);
        m.memory.unlockFolio(folio);
      }
      return result;
    })(),
  );
}

describe('filemap_fault', () => {
  it('leaves the page of the file locked and referenced, for the entry to come', () => {
    const m = new Machine();
    const file = m.file(4);
    const fault = faultOn(m, file, 2);
    expect(handle(m, fault, new FileVmOperations(file).fault(fault))).toBe('locked');
    expect(fault.frame).toBe(file.mapping.pages.get(2));
    expect(m.memory.frames.refcount[fault.frame]).toBe(2);
  });

  it('names the page within a large folio', () => {
    const m = new Machine();
    const file = m.file(16, 'hole');
    const folio = m.largeFolio(file, 0);
    const fault = faultOn(m, file, 5);
    handle(m, fault, file.vmOps.fault(fault));
    expect(fault.frame).toBe(folio + 5);
  });

  it('says SIGBUS behind the end of the file, and if the file shrinks while the page is read', () => {
    const m = new Machine();
    const file = m.file(4);
    const behind = faultOn(m, file, 4);
    expect(handle(m, behind, file.vmOps.fault(behind))).toBe('SIGBUS');
    const late = faultOn(m, file, 3);
    const faulting = m.simulation.spawn('fault', file.vmOps.fault(late));
    m.advance(10 * US);
    file.mapping.size = PAGE_SIZE;
    m.simulation.run();
    expect(faulting.result).toBe('SIGBUS');
    checkInvariants(m.kernel, [m.mm]);
  });

  it('says OOM when memory has run out', () => {
    const m = new Machine({ memory: 3 * PAGE_SIZE });
    const file = m.file(4);
    m.memory.allocate(0);
    m.memory.allocate(0);
    const fault = faultOn(m, file, 0);
    expect(handle(m, fault, file.vmOps.fault(fault))).toBe('OOM');
  });
});

describe('page_mkwrite', () => {
  /** A page of the file that a fault has brought in and unlocked, as do_shared_fault does before it asks. */
  function bringIn(m: Machine, file: Inode): { ops: FileVmOperations; fault: VmFault } {
    const ops = new FileVmOperations(file);
    const fault = faultOn(m, file, 0, true);
    handle(m, fault, ops.fault(fault));
    return { ops, fault };
  }

  it.each(['ext4', 'btrfs'] as const)('on %s reserves, dirties, and leaves the folio locked', (fileSystem) => {
    const m = new Machine({ fileSystem });
    const file = m.file(1);
    const { ops, fault } = bringIn(m, file);
    expect(handle(m, fault, ops.pageMkwrite(fault))).toBe('locked');
    const { frames } = m.memory;
    expect([frames.has(fault.frame, PG_DIRTY), frames.has(fault.frame, PG_PRIVATE)]).toEqual([true, true]);
  });

  it("says retry if the page is the file's no more when it has the lock", () => {
    const m = new Machine();
    const file = m.file(1);
    const { ops, fault } = bringIn(m, file);
    m.ftruncate(file, 0);
    expect(handle(m, fault, ops.pageMkwrite(fault))).toBe('retry');
    m.memory.put(fault.frame);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('on btrfs waits for the disk before it dirties: what is being written must not change', () => {
    const m = new Machine({ fileSystem: 'btrfs' });
    const file = m.file(1);
    m.mapFile(file);
    m.store(0, 1);
    m.simulation.spawn('fsync', m.kernel.fsync(file));
    m.advance(1 * US);
    const storing = m.simulation.spawn('store', m.storing(0, 2));
    m.advance(10 * US);
    expect([storing.done, m.memory.frames.has(file.mapping.pages.get(0), PG_DIRTY)]).toEqual([false, false]);
    m.advance(1 * MS);
    expect([storing.done, m.memory.frames.has(file.mapping.pages.get(0), PG_DIRTY)]).toEqual([true, true]);
  });
});
