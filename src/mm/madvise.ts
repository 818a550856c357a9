import { Errno, HPAGE_SIZE, PAGE_SIZE, hex, isPageAligned, pageAlignUp } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { guardInstall, guardRemove } from './guard.js';
import { madviseCollapse } from './khugepaged.js';
import { madviseCold, madvisePageout } from './madv-cold.js';
import { madviseFree } from './madv-free.js';
import type { MmStruct } from './mm-struct.js';
import { MmuGather } from './mmu-gather.js';
import { madvisePopulate } from './populate.js';
import { modifyFlags } from './vma-merge.js';
import {
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_HUGEPAGE,
  VM_HUGETLB,
  VM_LOCKED,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_WIPEONFORK,
  type Vma,
} from './vma.js';
import { zapAndReclaimPt } from './zap.js';

/** The part [start, end) of a mapping that is advised, and what gathers its TLB flushes. */
export interface AdvisedPart {
  readonly vma: Vma;
  readonly start: number;
  readonly end: number;
  readonly gather: MmuGather;
}

/** An advice that is taken mapping by mapping. */
interface MappingAdvice {
  /** madvise_lock: exclusively where mappings change. */
  readonly lock: 'shared' | 'exclusive';
  /** @throws Errno which ends the call: parts behind are not advised */
  readonly advise: (part: AdvisedPart) => Task;
}

/** An advice that takes the range as it is, whatever mappings lie in it. */
interface RangeAdvice {
  readonly lock: 'shared';
  readonly adviseRange: (mm: MmStruct, start: number, end: number) => Task;
}

/** What one advice does. */
export type AdviceAction = MappingAdvice | RangeAdvice;

/** madvise(2): advice by advice. */
export const ADVICES = {
  normal: flags((old) => old & ~(VM_RAND_READ | VM_SEQ_READ)),
  sequential: flags((old) => (old & ~VM_RAND_READ) | VM_SEQ_READ),
  random: flags((old) => (old & ~VM_SEQ_READ) | VM_RAND_READ),
  dontfork: flags((old) => old | VM_DONTCOPY),
  dofork: flags((old, vma) => {
    // VM_SPECIAL
    if (vma.has(VM_HUGETLB)) throw new Errno('EINVAL', `MADV_DOFORK of ${vma.toString()}`);
    return old & ~VM_DONTCOPY;
  }),
  wipeonfork: flags((old, vma) => {
    if (vma.file !== null || vma.has(VM_SHARED)) throw new Errno('EINVAL', `MADV_WIPEONFORK of ${vma.toString()}`);
    return old | VM_WIPEONFORK;
  }),
  keeponfork: flags((old) => old & ~VM_WIPEONFORK),
  dontdump: flags((old) => old | VM_DONTDUMP),
  mergeable: flags((old, vma) => (ksmCompatible(vma) ? old | VM_MERGEABLE : old)),
  hugepage: flags((old) => (old & ~VM_NOHUGEPAGE) | VM_HUGEPAGE),
  nohugepage: flags((old) => (old & ~VM_HUGEPAGE) | VM_NOHUGEPAGE),
  dontneed: { lock: 'shared', advise: (part) => dontneed(part, false) },
  dontneed_locked: { lock: 'shared', advise: (part) => dontneed(part, true) },
  willneed: { lock: 'shared', advise: willneed },
  remove: { lock: 'shared', advise: remove },
  populate_read: { lock: 'shared', adviseRange: (mm, start, end) => madvisePopulate(mm, start, end, false) },
  populate_write: { lock: 'shared', adviseRange: (mm, start, end) => madvisePopulate(mm, start, end, true) },
  free: { lock: 'shared', advise: madviseFree },
  cold: { lock: 'shared', advise: madviseCold },
  pageout: { lock: 'shared', advise: madvisePageout },
  collapse: { lock: 'exclusive', advise: madviseCollapse },
  guard_install: { lock: 'shared', advise: ({ vma, start, end }) => guardInstall(vma, start, end) },
  guard_remove: { lock: 'shared', advise: ({ vma, start, end }) => guardRemove(vma, start, end) },
} as const satisfies Readonly<Record<string, AdviceAction>>;

/**
 * madvise(2): what the advice does, mapping by mapping.
 * @throws Errno EINVAL for an unaligned address or an advice that a mapping cannot take; ENOMEM if part of the range is not
 *   mapped, after the rest was dealt with
 */
export function* madvise(mm: MmStruct, address: number, length: number, action: AdviceAction): Task {
  const end = address + pageAlignUp(length);
  if (!isPageAligned(address) || !(length >= 0)) {
    throw new Errno('EINVAL', `madvise of ${String(length)} bytes at ${hex(address)}`);
  }
  if (end === address) return;
  yield mm.mmapLock[action.lock];
  const gather = new MmuGather(mm);
  try {
    if ('adviseRange' in action) yield* action.adviseRange(mm, address, end);
    else yield* madviseWalkVmas(mm, address, end, action, gather);
  } finally {
    gather.finish();
    if (action.lock === 'shared') mm.mmapLock.releaseShared();
    else mm.mmapLock.releaseExclusive();
  }
}

/** madvise(MADV_DONTNEED): one CLEAR per mapping, even where nothing is populated; the TLB is flushed once, at the end. */
export function* madviseDontneed(mm: MmStruct, address: number, length: number): Task {
  yield* madvise(mm, address, length, ADVICES.dontneed);
}

/** madvise_walk_vmas. */
function* madviseWalkVmas(mm: MmStruct, address: number, end: number, action: MappingAdvice, gather: MmuGather): Task {
  let holes = false;
  for (let reached = address; reached < end;) {
    const vma = mm.vmas.at(reached) ?? mm.vmas.after(reached);
    if (vma === null || vma.start > reached) holes = true;
    if (vma === null || vma.start >= end) break;
    const start = Math.max(reached, vma.start);
    const stop = Math.min(end, vma.end);
    yield* action.advise({ vma, start, end: stop, gather });
    reached = stop;
  }
  if (holes) throw new Errno('ENOMEM', `madvise of [${hex(address)}, ${hex(end)}): holes`);
}

/** An advice that changes flags of a mapping. */
function flags(change: (old: number, vma: Vma) => number): MappingAdvice {
  return {
    lock: 'exclusive',
    *advise({ vma, start, end }) {
      const changed = change(vma.flags, vma);
      if (changed !== vma.flags) yield* modifyFlags(vma, start, end, changed);
    },
  };
}

/** vma_ksm_compatible: private memory that is not hugetlb. */
function ksmCompatible(vma: Vma): boolean {
  return !vma.has(VM_SHARED | VM_HUGETLB) && vma.file?.isDax !== true;
}

/** madvise_dontneed_free: of hugetlb only whole huge pages. */
function* dontneed({ vma, start, end, gather }: AdvisedPart, locked: boolean): Task {
  const refused = new Errno('EINVAL', `MADV_DONTNEED of [${hex(start)}, ${hex(end)}) of ${vma.toString()}`);
  if (vma.has(VM_LOCKED) && !locked) throw refused;
  let stop = end;
  if (vma.has(VM_HUGETLB)) {
    if (start % HPAGE_SIZE !== 0) throw refused;
    stop -= stop % HPAGE_SIZE;
  }
  if (start < stop) yield* zapAndReclaimPt(vma, start, stop, gather);
}

/** madvise_willneed: reads a file ahead. Memory that is nowhere else but on the swap device stays there, until it is used. */
function* willneed({ vma, start, end }: AdvisedPart): Task {
  const { file, mm } = vma;
  if (file?.willNeed !== undefined) yield* file.willNeed(vma.pageIndex(start), vma.pageIndex(end));
  else mm.system.lruBatches.drain();
}

/** madvise_remove: a hole in the file behind a shared mapping, writable or not: it may be made so. mmap_lock is let go meanwhile. */
function* remove({ vma, start, end }: AdvisedPart): Task {
  const { file, mm } = vma;
  if (vma.has(VM_LOCKED) || file === null) throw new Errno('EINVAL', `MADV_REMOVE of ${vma.toString()}`);
  if (!vma.has(VM_SHARED)) throw new Errno('EACCES', `MADV_REMOVE of ${vma.toString()}`);
  if (file.punchHole === undefined) throw new Errno('EOPNOTSUPP', `MADV_REMOVE of ${vma.toString()}`);
  const offset = vma.pageIndex(start) * PAGE_SIZE;
  mm.mmapLock.releaseShared();
  try {
    yield* file.punchHole(offset, end - start);
  } finally {
    yield mm.mmapLock.shared;
  }
}
