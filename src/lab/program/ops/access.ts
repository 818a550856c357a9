import { PAGE_SIZE, pageOf } from '../../../base/index.js';
import type { Task } from '../../../engine/index.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  VM_READ,
  VM_WRITE,
  handleMmFault,
  pteFrame,
  ptePresent,
  pteWritable,
  type MmStruct,
} from '../../../mm/index.js';
import { addressIn } from '../areas.js';
import { DONE, type OpHandlers } from '../op-handler.js';
import { listed, pagesOf } from '../pages-of.js';

type Signal = 'SIGBUS' | 'SIGSEGV';

/** Accesses by a CPU. */
export const accessOps = {
  *cpu_write(world, args) {
    const area = world.areas.get(args.map);
    const mm = world.mmOf(args.proc);
    const bytes = Uint8Array.of(args.value);
    const signals: (Signal | null)[] = [];
    for (const page of pagesOf(args)) {
      signals.push(yield* store(mm, addressIn(area, page) + args.offset, bytes));
    }
    return signals.every((signal) => signal === null) ? DONE : listed('signal', 'signals', signals);
  },

  *cpu_read(world, args) {
    const area = world.areas.get(args.map);
    const mm = world.mmOf(args.proc);
    const values: (number | Signal)[] = [];
    for (const page of pagesOf(args)) {
      values.push(yield* load(mm, addressIn(area, page) + args.offset));
    }
    return values.length === 1 && typeof values[0] === 'string'
      ? { signal: values[0] }
      : listed('value', 'values', values);
  },

  *fill(world, args) {
    const area = world.areas.get(args.map);
    const bytes = new Uint8Array(PAGE_SIZE).fill(args.value);
    for (let page = args.first; page < args.first + args.pages; page++) {
      const signal = yield* store(world.mmOf(args.proc), addressIn(area, page), bytes);
      if (signal !== null) return { signal };
    }
    return DONE;
  },
} satisfies OpHandlers;

/** A store within a page. */
function* store(mm: MmStruct, address: number, bytes: Uint8Array): Task<Signal | null> {
  const frame = yield* touch(mm, address, true);
  if (typeof frame === 'string') return frame;
  const { memory } = mm.system;
  memory.contents.write(frame, address % PAGE_SIZE, bytes.length, memory.nextStamp(), bytes);
  return null;
}

/** A load of one byte. */
function* load(mm: MmStruct, address: number): Task<number | Signal> {
  const frame = yield* touch(mm, address, false);
  if (typeof frame === 'string') return frame;
  const byte = new Uint8Array(1);
  mm.system.memory.contents.read(frame, address % PAGE_SIZE, byte, 0, 1);
  return byte[0];
}

/** The frame behind an address once the CPU may use it, after page faults if need be, or the signal that they end in. */
function* touch(mm: MmStruct, address: number, write: boolean): Task<number | Signal> {
  const { pageTable } = mm;
  const page = pageOf(address);
  for (;;) {
    const pte = pageTable.get(page);
    if (ptePresent(pte) && mm.vmas.at(address)?.has(VM_READ) !== true) return 'SIGSEGV';
    if (write ? pteWritable(pte) : ptePresent(pte)) {
      pageTable.addFlags(page, PTE_ACCESSED | (write ? PTE_DIRTY : 0));
      return pteFrame(pte);
    }
    const signal = yield* userFault(mm, address - (address % PAGE_SIZE), write);
    if (signal !== null) return signal;
  }
}

/** do_user_addr_fault: a mapping must be there and allow the access before anybody handles a fault. */
function* userFault(mm: MmStruct, address: number, write: boolean): Task<Signal | null> {
  yield mm.mmapLock.shared;
  const vma = mm.vmas.at(address);
  const allowed = vma?.has(write ? VM_WRITE : VM_READ) === true;
  const result = vma === null || !allowed ? 'SIGSEGV' : yield* handleMmFault(vma, address, write);
  mm.mmapLock.releaseShared();
  if (result === 'OOM') throw new Error(`page fault at 0x${address.toString(16)}: out of memory`);
  return result === 'SIGBUS' || result === 'SIGSEGV' ? result : null;
}
