import { HPAGE_SIZE, PAGE_SIZE, pageOf } from '../base/index.js';
import { SimulationError, type Task } from '../engine/index.js';
import type { IntervalNotifier } from '../../notifiers/index.js';
import { handleMmFault } from './fault.js';
import type { MmStruct } from './mm-struct.js';
import { SWP_GUARD, SWP_HWPOISON, pteFrame, ptePresent, pteWritable, swapType } from './pte.js';
import { VM_READ, VM_WRITE, type Vma } from './vma.js';

/** Output: the page is there. Input: fault it in (HMM_PFN_REQ_FAULT). */
export const HMM_PFN_VALID = 1 << 0;
/** Output: the CPU may write it now. Input, with HMM_PFN_VALID: make it writable (HMM_PFN_REQ_WRITE). */
export const HMM_PFN_WRITE = 1 << 1;
/** Output: there is no such page and no fault was asked for. */
export const HMM_PFN_ERROR = 1 << 2;

const HMM_FRAME_SHIFT = 3;

/** What a table of pmds spans. */
const GIGABYTE = 2 ** 30;

/** The frame of a valid entry. */
export function hmmFrame(entry: number): number {
  return entry >>> HMM_FRAME_SHIFT;
}

/** Linux's struct hmm_range. */
export interface HmmRange {
  readonly mm: MmStruct;
  readonly notifier: IntervalNotifier;
  /** What `notifier.readBegin()` returned. */
  readonly notifierSeq: number;
  /** First address, page-aligned. */
  readonly start: number;
  /** One entry per page: HMM_PFN_* and the frame. Written by hmmRangeFault. */
  readonly entries: Int32Array;
  /** HMM_PFN_VALID to fault pages in, with HMM_PFN_WRITE for writing; 0 for a snapshot of what the CPU has. */
  readonly request: number;
}

/** 0, or the negative errno of hmm_range_fault by name. */
export type HmmResult = 0 | 'EBUSY' | 'EFAULT' | 'ENOMEM' | 'EPERM';

/**
 * hmm_range_fault (mm/hmm.c): what the CPU's page tables say of a range, after the faults that were asked for.
 *
 * The caller holds mmap_lock shared, and must afterwards take its own lock and ask `notifier.readRetry(notifierSeq)`
 * before it uses the answer. The right to write comes from the entry, not from the request.
 *
 * @returns EBUSY if the range was invalidated meanwhile (start over with readBegin); EFAULT for a hole, missing read
 *   rights or a fault that failed; ENOMEM if it failed for lack of memory; EPERM for a write request on a read-only
 *   mapping
 */
export function* hmmRangeFault(range: HmmRange): Task<HmmResult> {
  const { mm, entries, request } = range;
  if (!mm.mmapLock.heldByMe) throw new SimulationError(`hmm_range_fault without the mmap_lock of ${mm.name}`);
  for (let i = 0; i < entries.length;) {
    if (range.notifier.checkRetry(range.notifierSeq)) return 'EBUSY';
    const address = range.start + i * PAGE_SIZE;
    const vma = mm.vmas.at(address);
    if (vma?.has(VM_READ) !== true) {
      if ((request & HMM_PFN_VALID) !== 0) return 'EFAULT';
      entries[i++] = HMM_PFN_ERROR;
      continue;
    }
    const pte = mm.pageTable.get(pageOf(address));
    if (!needsFault(pte, request)) {
      entries[i++] = describe(pte);
      continue;
    }
    const type = swapType(pte);
    if (type === SWP_GUARD || type === SWP_HWPOISON) return 'EFAULT';
    const last = Math.min(faultedTogether(vma, address), range.start + entries.length * PAGE_SIZE);
    for (let at = address; at < last; at += PAGE_SIZE) {
      const failure = yield* fault(vma, at, (request & HMM_PFN_WRITE) !== 0);
      if (failure !== 0) return failure;
    }
  }
  return 0;
}

/**
 * hmm_vma_fault: once a page has to be faulted in, all behind it are, to the end of the mapping or of the 2 MiB, before the
 * entries are looked at again; to the end of the gigabyte if that has no tables at all.
 */
function faultedTogether(vma: Vma, address: number): number {
  const unit = vma.mm.pageTable.hasDirectory(pageOf(address)) ? HPAGE_SIZE : GIGABYTE;
  return Math.min(vma.end, address - (address % unit) + unit);
}

function needsFault(pte: number, request: number): boolean {
  if ((request & HMM_PFN_VALID) === 0) return false;
  return !ptePresent(pte) || ((request & HMM_PFN_WRITE) !== 0 && !pteWritable(pte));
}

function describe(pte: number): number {
  if (!ptePresent(pte)) return 0;
  return (pteFrame(pte) << HMM_FRAME_SHIFT) | HMM_PFN_VALID | (pteWritable(pte) ? HMM_PFN_WRITE : 0);
}

function* fault(vma: Vma, address: number, write: boolean): Task<HmmResult> {
  if (write && !vma.has(VM_WRITE)) return 'EPERM';
  const result = yield* handleMmFault(vma, address, write, false, false);
  if (result === 'OOM') return 'ENOMEM';
  return result === 'done' ? 0 : 'EFAULT';
}
