import type { Task } from '../engine/index.js';
import { enterAnonVmas, leaveAnonVmas } from './anon-vma.js';
import { enterFile, leaveFile } from './split-vma.js';
import type { Vma } from './vma.js';

/** vma_expand: the mapping ends at `end` from now on. The caller holds mmap_lock exclusively. */
export function* resizeVma(vma: Vma, end: number): Task {
  const mapping = vma.file?.mapping;
  if (mapping !== undefined) yield mapping.iMmapLock.exclusive;
  leaveFile(vma);
  leaveAnonVmas(vma);
  vma.end = end;
  enterAnonVmas(vma);
  enterFile(vma);
  vma.mm.vmas.changed();
  mapping?.iMmapLock.releaseExclusive();
}
