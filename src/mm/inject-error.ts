import { Errno, PAGE_SIZE, hex, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { handleMmFault } from './fault.js';
import { devicePageFailure, memoryFailure, type FailureResult } from './memory-failure.js';
import type { MmStruct } from './mm-struct.js';
import { PG_RESERVED } from './page-flags.js';
import { pteFrame, ptePresent } from './pte.js';
import { softOfflinePage } from './soft-offline.js';
import { VM_READ } from './vma.js';

/** What happens to a page, of which the caller had a reference. */
type Injection = (mm: MmStruct, address: number, frame: number) => Task<FailureResult>;

/**
 * madvise_inject_error with MADV_HWPOISON: the pages of the range break. Of a large folio only the first page that lies in
 * the range does.
 *
 * @throws Errno EFAULT for a page that is not there; EHWPOISON, EBUSY as memory_failure
 */
export function* madviseHwpoison(mm: MmStruct, start: number, end: number): Task {
  yield* injectErrors(mm, start, end, breakPage);
}

/** madvise_inject_error with MADV_SOFT_OFFLINE. @throws Errno EFAULT for a page that is not there; EBUSY, EIO as soft_offline_page */
export function* madviseSoftOffline(mm: MmStruct, start: number, end: number): Task {
  yield* injectErrors(mm, start, end, ({ system }, _address, frame) => softOfflinePage(system, frame));
}

function* injectErrors(mm: MmStruct, start: number, end: number, inject: Injection): Task {
  const { frames } = mm.system.memory;
  for (let address = start; address < end;) {
    const frame = yield* getUserPage(mm, address);
    const pages = frames.pages(frames.folioOf(frame));
    const failure = yield* inject(mm, address, frame);
    if (failure !== null) throw new Errno(failure, `memory error at ${hex(address)}, frame ${String(frame)}`);
    address += pages * PAGE_SIZE;
  }
}

/** get_user_pages without FOLL_WRITE: the frame of a page, faulted in, with a reference to its folio. @throws Errno EFAULT, ENOMEM */
function* getUserPage(mm: MmStruct, address: number): Task<number> {
  const { system } = mm;
  yield mm.mmapLock.shared;
  try {
    for (;;) {
      const vma = mm.vmas.at(address);
      if (vma?.has(VM_READ) !== true) throw new Errno('EFAULT', `get_user_pages of ${hex(address)}`);
      const pte = mm.pageTable.get(pageOf(address));
      if (ptePresent(pte)) {
        const frame = pteFrame(pte);
        if (!system.isZero(frame)) system.memory.frames.get(system.memory.frames.folioOf(frame));
        return frame;
      }
      const result = yield* handleMmFault(vma, address, false);
      if (result === 'OOM') throw new Errno('ENOMEM', `get_user_pages of ${hex(address)}`);
      if (result !== 'done') throw new Errno('EFAULT', `get_user_pages of ${hex(address)}: ${result}`);
    }
  } finally {
    mm.mmapLock.releaseShared();
  }
}

/** Memory of a device is reserved, and its own business. */
function* breakPage(mm: MmStruct, address: number, frame: number): Task<FailureResult> {
  const { system, vmas } = mm;
  const vma = vmas.at(address);
  const ofDevice = !system.isZero(frame) && system.memory.frames.has(frame, PG_RESERVED);
  if (vma === null || !ofDevice) return yield* memoryFailure(system, frame, mm);
  yield* devicePageFailure(vma, address, frame);
  return null;
}
