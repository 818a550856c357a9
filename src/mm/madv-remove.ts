import { Errno, PAGE_SIZE, hex, isPageAligned, pageAlignUp } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { MmStruct } from './mm-struct.js';
import { VM_SHARED, type Vma } from './vma.js';

/**
 * madvise(MADV_REMOVE): a hole in the file behind each mapping, as fallocate(2) punches it, with mmap_lock let go.
 * @throws Errno EINVAL for an unaligned address or a mapping without a file; EACCES for a private one; ENOMEM if part of
 *   the range is not mapped, after the rest was dealt with
 */
export function* madviseRemove(mm: MmStruct, address: number, length: number): Task {
  const end = address + pageAlignUp(length);
  if (!isPageAligned(address) || !(length >= 0)) {
    throw new Errno('EINVAL', `madvise of ${String(length)} bytes at ${hex(address)}`);
  }
  let covered = 0;
  for (let at = address; at < end;) {
    yield mm.mmapLock.shared;
    const vma = mm.vmas.overlapping(at, end).at(0);
    mm.mmapLock.releaseShared();
    if (vma === undefined) break;
    const from = Math.max(at, vma.start);
    at = Math.min(end, vma.end);
    covered += at - from;
    yield* removeRange(vma, from, at);
  }
  if (covered < end - address) throw new Errno('ENOMEM', `madvise of [${hex(address)}, ${hex(end)}): holes`);
}

function* removeRange(vma: Vma, start: number, end: number): Task {
  const { file } = vma;
  if (file === null) throw new Errno('EINVAL', `MADV_REMOVE of ${vma.toString()}: no file`);
  if (!vma.has(VM_SHARED)) throw new Errno('EACCES', `MADV_REMOVE of ${vma.toString()}: private`);
  if (file.punchHole === undefined) throw new Errno('EOPNOTSUPP', `MADV_REMOVE of ${vma.toString()}`);
  yield* file.punchHole(vma.pageIndex(start) * PAGE_SIZE, end - start);
}
