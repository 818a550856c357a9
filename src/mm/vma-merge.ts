import type { Task } from '../engine/index.js';
import { anonVmaClone, enterAnonVmas, leaveAnonVmas, unlinkAnonVmas } from './anon-vma.js';
import { enterFile, leaveFile, splitVmaAt } from './split-vma.js';
import { VM_HUGETLB, VM_STICKY, type Vma } from './vma.js';

/**
 * vma_merge_existing_range and vma_merge_new_range: makes a mapping one with its neighbours, as far as they are alike. The
 * caller holds mmap_lock exclusively.
 *
 * @returns the mapping that has the range now
 */
export function* joinNeighbours(vma: Vma): Task<Vma> {
  const { vmas } = vma.mm;
  const below = vma.start > 0 ? vmas.at(vma.start - 1) : null;
  return yield* joinNext(below !== null && canJoin(below, vma) ? yield* join(below, vma) : vma);
}

/** vma_merge_extend: a mapping that has grown may be one with the next one now. @returns the one that is left */
export function* joinNext(vma: Vma): Task<Vma> {
  const above = vma.mm.vmas.at(vma.end);
  return above !== null && canJoin(vma, above) ? yield* join(vma, above) : vma;
}

/**
 * vma_modify_flags: the part [start, end) of a mapping gets other flags, and becomes a mapping of its own, or of a neighbour.
 *
 * @returns the mapping that has the part now
 */
export function* modifyFlags(vma: Vma, start: number, end: number, flags: number): Task<Vma> {
  return yield* modify(vma, start, end, (part) => {
    part.flags = flags;
  });
}

/** vma_modify: as modifyFlags, of anything by which mappings differ. */
export function* modify(vma: Vma, start: number, end: number, change: (part: Vma) => void): Task<Vma> {
  const { mm } = vma;
  if (start > vma.start) yield* splitVmaAt(mm, start);
  if (end < (mm.vmas.at(start)?.end ?? end)) yield* splitVmaAt(mm, end);
  const part = mm.vmas.at(start) ?? vma;
  change(part);
  return yield* joinNeighbours(part);
}

/** can_vma_merge_before, can_vma_merge_after. VM_SPECIAL mappings stay as they were made. */
function canJoin(lower: Vma, upper: Vma): boolean {
  return !lower.has(VM_HUGETLB) && lower.couldJoin(upper, VM_STICKY) && haveMergeableAnonVmas(lower, upper);
}

/**
 * is_mergeable_anon_vma: they have the same family, or one has none yet and the other none but its own: a child's mapping
 * stays what it is, so that the walk of a parent's pages does not grow.
 */
function haveMergeableAnonVmas(lower: Vma, upper: Vma): boolean {
  if (lower.anonVma === null) return !upper.hasParents;
  if (upper.anonVma === null) return !lower.hasParents;
  return lower.anonVma === upper.anonVma;
}

/**
 * commit_merge: `lower` takes over what `upper` has. i_mmap_rwsem is held throughout: whoever walks the mappings of a file
 * meets the two or the one, never a part of it.
 */
function* join(lower: Vma, upper: Vma): Task<Vma> {
  const { vmas } = lower.mm;
  const mapping = lower.file?.mapping;
  if (mapping !== undefined) yield mapping.iMmapLock.exclusive;
  if (lower.anonVma === null && upper.anonVma !== null) {
    lower.anonVma = upper.anonVma;
    anonVmaClone(lower, upper);
  }
  vmas.remove(upper);
  leaveFile(upper);
  unlinkAnonVmas(upper);
  leaveFile(lower);
  leaveAnonVmas(lower);
  lower.end = upper.end;
  lower.flags |= upper.flags & VM_STICKY;
  enterAnonVmas(lower);
  enterFile(lower);
  mapping?.iMmapLock.releaseExclusive();
  return lower;
}
