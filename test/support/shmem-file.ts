import type { Task } from '../../src/engine/index.js';
import {
  PG_DIRTY,
  PG_UPTODATE,
  addToPageCache,
  type FaultResult,
  type MappedFile,
  type VmFault,
} from '../../src/mm/index.js';
import type { Machine } from './machine.js';

/** A file without writeback and without page_mkwrite, as shmem's are: as much of one as faults need. */
export function shmemFile(m: Machine, pages = 16): MappedFile {
  const { mm: system } = m.kernel;
  const { frames } = m.memory;
  const ops = {
    dirtyFolio: (_mapping: unknown, folio: number) => {
      frames.set(folio, PG_DIRTY);
    },
    releaseFolio: () => true,
  };
  const mapping = system.newAddressSpace('memfd', ops, { stableWrites: false, canWriteback: false });
  function* fault(request: VmFault): Task<FaultResult> {
    if (request.pgoff >= pages) return 'SIGBUS';
    if (mapping.pages.get(request.pgoff) === 0) {
      const fresh = yield* system.allocate(0);
      addToPageCache(system, mapping, fresh, request.pgoff);
      frames.set(fresh, PG_UPTODATE);
      m.memory.put(fresh);
    }
    request.frame = mapping.pages.get(request.pgoff);
    frames.get(request.frame);
    yield* m.memory.lockFolio(request.frame);
    return 'locked';
  }
  return { mapping, vmOps: { fault } };
}
