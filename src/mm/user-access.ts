import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FaultResult } from './address-space.js';
import { handleMmFault } from './fault.js';
import type { MmStruct } from './mm-struct.js';
import { PTE_ACCESSED, PTE_DIRTY, pteFrame, ptePresent, pteWritable } from './pte.js';
import { VM_READ, VM_WRITE } from './vma.js';

/** How an access by the CPU ended: null, the signal that the process gets, or OOM if memory has run out. */
export type AccessResult = 'SIGBUS' | 'SIGSEGV' | 'OOM' | null;

/** A store by a process: `length` bytes at `address`, faulting as it must. @param data null for an anonymous pattern */
export function* userStore(mm: MmStruct, address: number, length: number, data: Uint8Array | null): Task<AccessResult> {
  const { memory } = mm.system;
  return yield* access(mm, address, length, true, (frame, within, bytes, done) => {
    // As of now: a device may have written to the page while this task slept.
    memory.contents.write(frame, within, bytes, memory.nextStamp(), data, done);
  });
}

/** A load by a process into `target`. */
export function* userLoad(mm: MmStruct, address: number, target: Uint8Array): Task<AccessResult> {
  const { contents } = mm.system.memory;
  return yield* access(mm, address, target.length, false, (frame, within, bytes, done) => {
    contents.read(frame, within, target, done, bytes);
  });
}

function* access(
  mm: MmStruct,
  address: number,
  length: number,
  write: boolean,
  touch: (frame: number, within: number, bytes: number, done: number) => void,
): Task<AccessResult> {
  for (let done = 0; done < length;) {
    const at = address + done;
    const within = at % PAGE_SIZE;
    const bytes = Math.min(PAGE_SIZE - within, length - done);
    const pte = mm.pageTable.get(pageOf(at));
    // Under PROT_NONE entries stay as they were, but for the right to write.
    if (write ? pteWritable(pte) : ptePresent(pte) && mm.vmas.at(at)?.has(VM_READ) === true) {
      mm.pageTable.addFlags(pageOf(at), PTE_ACCESSED | (write ? PTE_DIRTY : 0));
      touch(pteFrame(pte), within, bytes, done);
      done += bytes;
      continue;
    }
    const failure = yield* userFault(mm, at - within, write);
    if (failure !== null) return failure;
  }
  return null;
}

/** do_user_addr_fault: a mapping must be there and allow the access before anybody handles a fault. */
function* userFault(mm: MmStruct, address: number, write: boolean): Task<AccessResult> {
  yield mm.mmapLock.shared;
  let result: FaultResult;
  do {
    const vma = mm.vmas.at(address);
    const allowed = vma?.has(write ? VM_WRITE : VM_READ) === true;
    result = vma === null || !allowed ? 'SIGSEGV' : yield* handleMmFault(vma, address, write);
  } while (result === 'released');
  mm.mmapLock.releaseShared();
  if (result === 'HWPOISON') return 'SIGBUS';
  return result === 'SIGBUS' || result === 'SIGSEGV' || result === 'OOM' ? result : null;
}
