import { Errno, PAGE_SIZE, hex, pageOf } from '../base/index.js';
import { SimulationError, type Task } from '../engine/index.js';
import { handleMmFault } from './fault.js';
import { splitHugePmd } from './huge-pmd.js';
import type { MmStruct } from './mm-struct.js';
import { PG_ANON, PG_HUGETLB } from './page-flags.js';
import {
  PTE_DIRTY,
  PTE_NONE,
  PTE_SOFT_DIRTY,
  SWP_DEVICE_EXCLUSIVE,
  makeSwapEntry,
  pteFrame,
  pteWritable,
} from './pte.js';
import { VM_WRITE } from './vma.js';

/**
 * make_device_exclusive (mm/rmap.c): a device gets a page of anonymous memory to itself, for atomics on it, until the CPU
 * touches it again. One EXCLUSIVE of the page, with the caller as its owner. The caller holds mmap_lock.
 *
 * @returns the frame, its folio locked and with a reference: the caller tells its device, then unlocks and puts it. Whoever
 *   takes the page back waits for that lock
 * @throws Errno EFAULT without a writable mapping; EOPNOTSUPP for memory that is not anonymous; EBUSY if the entry changed
 *   meanwhile
 */
export function* makeDeviceExclusive(mm: MmStruct, address: number, owner: unknown): Task<number> {
  if (!mm.mmapLock.heldByMe) throw new SimulationError(`make_device_exclusive without the mmap_lock of ${mm.name}`);
  const { system, pageTable, notifiers } = mm;
  const { memory } = system;
  const { frames } = memory;
  const page = pageOf(address);
  const frame = yield* writableFrame(mm, address);
  const folio = frames.folioOf(frame);
  if (!frames.has(folio, PG_ANON) || frames.has(folio, PG_HUGETLB)) {
    throw new Errno('EOPNOTSUPP', `make_device_exclusive at ${hex(address)}`);
  }
  frames.get(folio);
  yield* memory.lockFolio(folio);
  const range = notifiers.invalidateRangeStart('EXCLUSIVE', address, address + PAGE_SIZE, owner);
  if (range.holds > 0) yield range;
  const pte = pageTable.get(page);
  const unchanged = pteWritable(pte) && pteFrame(pte) === frame;
  if (unchanged) {
    if ((pte & PTE_DIRTY) !== 0) system.markDirty(folio);
    pageTable.set(page, makeSwapEntry(SWP_DEVICE_EXCLUSIVE, frame, pte & PTE_SOFT_DIRTY));
    notifiers.archInvalidateSecondaryTlbs(address, address + PAGE_SIZE);
  }
  notifiers.invalidateRangeEnd(range);
  if (unchanged) return frame;
  memory.unlockFolio(folio);
  memory.put(folio);
  throw new Errno('EBUSY', `make_device_exclusive at ${hex(address)}`);
}

/** get_user_page_vma_remote with FOLL_WRITE and FOLL_SPLIT_PMD. */
function* writableFrame(mm: MmStruct, address: number): Task<number> {
  const page = pageOf(address);
  for (;;) {
    const vma = mm.vmas.at(address);
    if (vma?.has(VM_WRITE) !== true) throw new Errno('EFAULT', `make_device_exclusive at ${hex(address)}`);
    if (vma.file === null && mm.pageTable.huge(page) !== PTE_NONE) yield* splitHugePmd(vma, address);
    const pte = mm.pageTable.get(page);
    if (pteWritable(pte)) return pteFrame(pte);
    const result = yield* handleMmFault(vma, address, true, false, false);
    if (result === 'OOM') throw new Errno('ENOMEM', `make_device_exclusive at ${hex(address)}`);
    if (result !== 'done') throw new Errno('EFAULT', `make_device_exclusive at ${hex(address)}`);
  }
}
