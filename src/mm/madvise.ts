import { Errno, hex, isPageAligned, pageAlignUp } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { MmStruct } from './mm-struct.js';
import { MmuGather } from './mmu-gather.js';
import { zapPageRangeBatched } from './zap.js';

/**
 * madvise(MADV_DONTNEED): one CLEAR per mapping, even where nothing is populated; the TLB is flushed once, at the end.
 * @throws Errno EINVAL for an unaligned address; ENOMEM if part of the range is not mapped, after the rest was dealt with
 */
export function* madviseDontneed(mm: MmStruct, address: number, length: number): Task {
  const end = address + pageAlignUp(length);
  if (!isPageAligned(address) || !(length >= 0)) {
    throw new Errno('EINVAL', `madvise of ${String(length)} bytes at ${hex(address)}`);
  }
  yield mm.mmapLock.shared;
  const gather = new MmuGather(mm);
  let covered = 0;
  for (const vma of mm.vmas.overlapping(address, end)) {
    const from = Math.max(address, vma.start);
    const to = Math.min(end, vma.end);
    covered += to - from;
    yield* zapPageRangeBatched(vma, from, to, gather);
  }
  gather.finish();
  mm.mmapLock.releaseShared();
  if (covered < end - address) throw new Errno('ENOMEM', `madvise of [${hex(address)}, ${hex(end)}): holes`);
}
