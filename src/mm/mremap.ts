import { Errno, HPAGE_SIZE, PAGE_SIZE, hex, isPageAligned, pageAlignUp } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { MmStruct } from './mm-struct.js';
import { TASK_SIZE, munmapLocked } from './mmap.js';
import { moveVma } from './move-vma.js';
import { mmPopulate } from './populate.js';
import { resizeVma } from './resize-vma.js';
import { joinNext } from './vma-merge.js';
import { VM_HUGETLB, VM_LOCKED, type Vma } from './vma.js';

/** What mremap(2) is asked for. */
export interface MremapOptions {
  /** MREMAP_MAYMOVE | MREMAP_FIXED: where to, page-aligned. What is there goes first. Absent: stays, or fails. */
  readonly to?: number;
  /** MREMAP_DONTUNMAP: the old mapping stays, empty. */
  readonly dontunmap?: boolean;
}

/**
 * mremap(2). A move is told as two UNMAPs of the old range, one when the entries move and one when the old mapping goes;
 * shrinking as an UNMAP of what goes; growing in place is not told.
 *
 * @throws Errno EINVAL for unaligned addresses, lengths and ranges that overlap; EFAULT if the range is not one mapping's, or
 *   has a hole at its start; ENOMEM if there is no room to grow
 */
export function* mremap(
  mm: MmStruct,
  address: number,
  oldLength: number,
  newLength: number,
  options: MremapOptions = {},
): Task {
  const { to, dontunmap = false } = options;
  checkParameters(address, pageAlignUp(oldLength), pageAlignUp(newLength), options);
  yield mm.mmapLock.exclusive;
  const first = mm.vmas.at(address);
  const old = aligned(first, oldLength);
  const wanted = aligned(first, newLength);
  let grown: Vma | null = null;
  try {
    if (to === undefined) grown = yield* resizeInPlace(mm, address, old, wanted);
    else if (pageAlignUp(oldLength) === pageAlignUp(newLength)) {
      yield* moveAll(mm, address, pageAlignUp(oldLength), to, dontunmap);
    } else grown = yield* moveTo(mm, address, old, wanted, to, false);
  } finally {
    mm.mmapLock.releaseExclusive();
  }
  const start = to ?? address;
  if (grown?.has(VM_LOCKED) === true && wanted > old) yield* mmPopulate(mm, start + old, start + wanted, true);
}

/** PAGE_ALIGN, and align_hugetlb: a length in whole pages of the mapping. */
function aligned(vma: Vma | null, length: number): number {
  const unit = vma?.has(VM_HUGETLB) === true ? HPAGE_SIZE : PAGE_SIZE;
  return Math.ceil(length / unit) * unit;
}

/** check_mremap_params. */
function checkParameters(address: number, old: number, wanted: number, { to, dontunmap }: MremapOptions): void {
  const what = `mremap of ${String(old)} bytes at ${hex(address)}`;
  if (!isPageAligned(address) || wanted === 0) throw new Errno('EINVAL', what);
  if (dontunmap === true && old !== wanted) throw new Errno('EINVAL', `${what}: DONTUNMAP keeps the size`);
  if (to === undefined) return;
  if (!isPageAligned(to) || to + wanted > TASK_SIZE) throw new Errno('EINVAL', `${what} to ${hex(to)}`);
  if (address + old > to && to + wanted > address) throw new Errno('EINVAL', `${what}: it overlaps ${hex(to)}`);
}

/** check_prep_vma. What a mapping loses at its end, and what of it stays where it is, may be as long as it likes. */
function checkVma(mm: MmStruct, address: number, old: number, wanted: number, to: number | undefined): Vma {
  const vma = mm.vmas.at(address);
  const what = `mremap of ${String(old)} bytes at ${hex(address)}`;
  if (vma === null) throw new Errno('EFAULT', `${what}: nothing is mapped there`);
  if (vma.has(VM_HUGETLB)) {
    const unaligned = [address, to ?? 0].some((bytes) => bytes % HPAGE_SIZE !== 0);
    if (unaligned || wanted > old) throw new Errno('EINVAL', `${what}: ${vma.toString()} is hugetlb`);
  }
  if (to === undefined && wanted <= old) return vma;
  if (Math.min(old, wanted) > vma.end - address) throw new Errno('EFAULT', `${what}: ${vma.toString()} is shorter`);
  return vma;
}

/** @returns the mapping that has grown, null if none has */
function* resizeInPlace(mm: MmStruct, address: number, old: number, wanted: number): Task<Vma | null> {
  const vma = checkVma(mm, address, old, wanted, undefined);
  if (wanted <= old) {
    if (wanted < old) yield* munmapLocked(mm, address + wanted, address + old);
    return null;
  }
  // expand_vma: the range is the mapping's end, and nothing is behind it.
  const free = mm.vmas.overlapping(vma.end, address + wanted).length === 0;
  if (address + old !== vma.end || address + wanted > TASK_SIZE || !free) {
    throw new Errno('ENOMEM', `mremap: ${vma.toString()} cannot grow to ${hex(address + wanted)}`);
  }
  yield* resizeVma(vma, address + wanted);
  return yield* joinNext(vma);
}

/** remap_move: one mapping after the other, as far from each other as before. */
function* moveAll(mm: MmStruct, address: number, length: number, to: number, dontunmap: boolean): Task {
  const end = address + length;
  const vmas = mm.vmas.overlapping(address, end);
  const [first] = vmas;
  if (vmas.length === 0 || first.start > address) {
    throw new Errno('EFAULT', `mremap at ${hex(address)}: nothing is mapped there`);
  }
  const parts = vmas.map((vma) => ({ start: vma.start, end: vma.end, alone: vma.userfaultfd !== null }));
  for (const { start, end: stop, alone } of parts) {
    // vma_multi_allowed
    if (alone && (start > address || stop < end)) {
      throw new Errno('EFAULT', `mremap at ${hex(start)}: what a userfaultfd watches moves alone`);
    }
    const from = Math.max(address, start);
    const part = aligned(mm.vmas.at(from), Math.min(end, stop) - from);
    yield* moveTo(mm, from, part, part, to + (from - address), dontunmap);
  }
}

/** mremap_to. */
function* moveTo(
  mm: MmStruct,
  address: number,
  old: number,
  wanted: number,
  to: number,
  dontunmap: boolean,
): Task<Vma> {
  const { flags } = checkVma(mm, address, old, wanted, to);
  // VM_DONTEXPAND
  if (dontunmap && (flags & VM_HUGETLB) !== 0) throw new Errno('EINVAL', 'mremap of hugetlb: nothing may stay');
  yield* munmapLocked(mm, to, to + wanted);
  if (old > wanted) yield* munmapLocked(mm, address + wanted, address + old);
  const length = Math.min(old, wanted);
  const vma = checkVma(mm, address, length, wanted, to);
  return yield* moveVma(vma, address, length, to, wanted, dontunmap);
}
