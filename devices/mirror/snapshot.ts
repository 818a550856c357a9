import { Errno, PAGE_SIZE, hex } from '../../src/base/index.js';
import { Lock, MS, type Task } from '../../src/engine/index.js';
import {
  HMM_PFN_ERROR,
  HMM_PFN_PMD,
  HMM_PFN_VALID,
  HMM_PFN_WRITE,
  hmmFrame,
  hmmRangeFault,
  type MmStruct,
} from '../../src/mm/index.js';
import type { IntervalNotifier } from '../../notifiers/index.js';

/** HMM_DMIRROR_PROT_*: what the CPU has of a page. */
export const MIRROR_PROT_NONE = 0x00;
/** The CPU may read the page. */
export const MIRROR_PROT_READ = 0x01;
/** The CPU may write it. */
export const MIRROR_PROT_WRITE = 0x02;
/** Mapped by a huge entry. */
export const MIRROR_PROT_PMD = 0x04;
/** The zero page. */
export const MIRROR_PROT_ZERO = 0x10;
/** There is no such page. */
export const MIRROR_PROT_ERROR = 0xff;

/** HMM_RANGE_DEFAULT_TIMEOUT: how long is looked again while invalidations get in the way. */
export const HMM_RANGE_DEFAULT_TIMEOUT = 1000 * MS;

/** Pages per subscription. */
const PAGES_AT_ONCE = 32;

/** dmirror_snapshot: a subscription of its own for as long as it looks, as the driver's one says nothing of what it read. */
export function* takeSnapshot(mm: MmStruct, address: number, pages: number): Task<Uint8Array> {
  const result = new Uint8Array(pages);
  for (let first = 0; first < pages; first += PAGES_AT_ONCE) {
    const entries = new Int32Array(Math.min(PAGES_AT_ONCE, pages - first));
    yield* lookAt(mm, address + first * PAGE_SIZE, entries, (i, code) => (result[first + i] = code));
  }
  return result;
}

/** dmirror_range_snapshot. */
function* lookAt(mm: MmStruct, start: number, entries: Int32Array, tell: (i: number, code: number) => void): Task {
  const mutex = new Lock(mm.system.simulation, 'mutex of a snapshot');
  const notifier: IntervalNotifier = mm.notifiers.insertInterval(start, entries.length * PAGE_SIZE, {
    name: 'snapshot',
    invalidate: (range, seq) => {
      if (mutex.held && !range.blockable) range.refuse('snapshot');
      else if (mutex.held) range.hold('snapshot', setSeqLater(notifier, mutex, seq));
      else notifier.setSeq(seq);
    },
  });
  try {
    const deadline = mm.system.simulation.now + HMM_RANGE_DEFAULT_TIMEOUT;
    for (;;) {
      if (mm.system.simulation.now > deadline) throw new Errno('EBUSY', `snapshot at ${hex(start)}`);
      const notifierSeq = yield* notifier.readBegin();
      yield mm.mmapLock.shared;
      const result = yield* hmmRangeFault({ mm, notifier, notifierSeq, start, entries, request: 0 });
      mm.mmapLock.releaseShared();
      if (result === 'EBUSY') continue;
      yield mutex;
      if (!notifier.readRetry(notifierSeq)) break;
      mutex.release();
    }
    entries.forEach((entry, i) => {
      tell(i, protOf(mm, entry));
    });
    mutex.release();
  } finally {
    yield* mm.notifiers.removeInterval(notifier);
  }
}

function* setSeqLater(notifier: IntervalNotifier, mutex: Lock, seq: number): Task {
  yield mutex;
  notifier.setSeq(seq);
  mutex.release();
}

/** dmirror_mkentry. */
function protOf(mm: MmStruct, entry: number): number {
  if ((entry & HMM_PFN_ERROR) !== 0) return MIRROR_PROT_ERROR;
  if ((entry & HMM_PFN_VALID) === 0) return MIRROR_PROT_NONE;
  const zero = mm.system.isZero(hmmFrame(entry)) ? MIRROR_PROT_ZERO : 0;
  const right = (entry & HMM_PFN_WRITE) !== 0 ? MIRROR_PROT_WRITE : MIRROR_PROT_READ;
  return zero | right | ((entry & HMM_PFN_PMD) !== 0 ? MIRROR_PROT_PMD : 0);
}
