import { Errno, PAGE_SIZE, hex, pageAlignDown, pageAlignUp, pageOf } from '../../src/base/index.js';
import { Lock, type Task } from '../../src/engine/index.js';
import {
  HMM_PFN_VALID,
  HMM_PFN_WRITE,
  hmmFrame,
  hmmRangeFault,
  makeDeviceExclusive,
  type HmmResult,
  type MmStruct,
} from '../../src/mm/index.js';
import { ULONG_MAX, type IntervalNotifier, type InvalidateRange } from '../../notifiers/index.js';
import { busRead, busWrite, setPageDirty, type SvmContext } from '../contract/index.js';
import type { MirrorDevice } from './mirror-device.js';
import { MirrorTable } from './mirror-table.js';
import { HMM_RANGE_DEFAULT_TIMEOUT, takeSnapshot } from './snapshot.js';

/** Pages that are faulted in at once. */
const PAGES_AT_ONCE = 64;

/** What an operation of the device came to. */
export interface MirrorResult {
  /** Pages copied. */
  readonly pages: number;
  /** How often the device had to ask for pages. */
  readonly faults: number;
}

/**
 * A process as a device sees it that has page tables of its own and mirrors the CPU's: struct dmirror of lib/test_hmm.c.
 *
 * This is the least that a driver without pins has to do, and it is all here: `invalidate` drops what the kernel is about to
 * change, `fault` gets what the device wants to use, and one lock, `mutex`, keeps the two apart. The device's own part,
 * moving bytes through the table, runs under that lock too, so nothing is ever in flight when an invalidation has it.
 */
export class Mirror implements SvmContext {
  readonly table: MirrorTable;
  private readonly mutex: Lock;
  private readonly notifier: IntervalNotifier;

  /** @internal made by MirrorDevice.open */
  constructor(
    readonly device: MirrorDevice,
    readonly mm: MmStruct,
  ) {
    this.table = new MirrorTable(mm, device.watchers);
    this.mutex = new Lock(mm.system.simulation, `mutex of ${device.name}`);
    this.notifier = mm.notifiers.insertInterval(0, pageAlignDown(ULONG_MAX), {
      name: device.driverName,
      invalidate: (range, seq) => {
        this.invalidate(range, seq);
      },
    });
  }

  /** dmirror_interval_invalidate: the lock if it is free, a hold on the range if it is not, a refusal if that may not be. */
  private invalidate(range: InvalidateRange, seq: number): void {
    // The device's own migration: it has stopped using these pages before it asked for it.
    if (range.event === 'MIGRATE' && range.owner === this.device.cookie) return;
    if (this.mutex.tryAcquire()) this.drop(range, seq);
    else if (range.blockable) range.hold(this.device.driverName, this.dropLater(range, seq));
    else range.refuse(this.device.driverName);
  }

  private *dropLater(range: InvalidateRange, seq: number): Task {
    yield this.mutex;
    this.drop(range, seq);
  }

  /** dmirror_do_update. The caller has the lock, which is released. */
  private drop(range: InvalidateRange, seq: number): void {
    this.notifier.setSeq(seq);
    this.forget(range.start, range.end);
    this.mutex.release();
  }

  /** Entries go, and what the device has written is dirty before the kernel goes on. test_hmm.c, a test, leaves that out. */
  private forget(start: number, end: number): void {
    for (const page of this.table.within(start, end)) {
      const entry = this.table.get(page);
      if (entry?.written === true) setPageDirty(this.mm, entry.frame);
      this.table.erase(page);
    }
  }

  /** dmirror_fault: gets every page of [start, end). @throws Errno EFAULT, EPERM, ENOMEM, EBUSY */
  private *fault(start: number, end: number, write: boolean): Task {
    const { watchers } = this.device;
    const fault = { start, end, write };
    watchers.faultRaised(fault, this.mm, start, end - start);
    try {
      if (!this.mm.alive) throw new Errno('EINVAL', `fault of ${this.device.name}: ${this.mm.name} is going away`);
      for (let address = start; address < end; address += PAGES_AT_ONCE * PAGE_SIZE) {
        yield* this.rangeFault(address, Math.min(end, address + PAGES_AT_ONCE * PAGE_SIZE), write);
      }
    } catch (error) {
      watchers.faultEnded(fault, 'error');
      throw error;
    }
    watchers.faultEnded(fault, 'retry');
  }

  /** dmirror_range_fault: asks HMM until no invalidation came in between, or the time is over. */
  private *rangeFault(start: number, end: number, write: boolean): Task {
    const { mm, notifier, mutex } = this;
    const { simulation } = mm.system;
    const entries = new Int32Array((end - start) / PAGE_SIZE);
    const request = HMM_PFN_VALID | (write ? HMM_PFN_WRITE : 0);
    const deadline = simulation.now + HMM_RANGE_DEFAULT_TIMEOUT;
    for (;;) {
      if (simulation.now > deadline) throw failed('EBUSY', start);
      const notifierSeq = yield* notifier.readBegin();
      yield mm.mmapLock.shared;
      const result = yield* hmmRangeFault({ mm, notifier, notifierSeq, start, entries, request });
      mm.mmapLock.releaseShared();
      if (result === 'EBUSY') continue;
      if (result !== 0) throw failed(result, start);
      yield mutex;
      if (!notifier.readRetry(notifierSeq)) break;
      mutex.release();
    }
    entries.forEach((entry, i) => {
      this.table.set(pageOf(start) + i, hmmFrame(entry), (entry & HMM_PFN_WRITE) !== 0);
    });
    mutex.release();
  }

  /** dmirror_read: the device reads memory into `target`. @throws Errno as a fault fails */
  *read(address: number, target: Uint8Array): Task<MirrorResult> {
    return yield* this.transfer(address, target.length, false, (frame, within, bytes, done) => {
      busRead(this.mm, frame, within, target.subarray(done, done + bytes));
    });
  }

  /** dmirror_write: the device writes `data` to memory. @throws Errno as a fault fails */
  *write(address: number, data: Uint8Array): Task<MirrorResult> {
    return yield* this.transfer(address, data.length, true, (frame, within, bytes, done) => {
      busWrite(this.mm, frame, within, data.subarray(done, done + bytes));
    });
  }

  /** DMIRROR_SNAPSHOT: what the CPU has of some pages, MIRROR_PROT_* each. Nothing is faulted in. @throws Errno EBUSY */
  *snapshot(address: number, pages: number): Task<Uint8Array> {
    return yield* takeSnapshot(this.mm, address, pages);
  }

  /**
   * DMIRROR_EXCLUSIVE: the device gets pages to itself, one after the other, until the CPU touches them again.
   * @throws Errno EFAULT, EOPNOTSUPP, EBUSY, ENOMEM
   */
  *exclusive(address: number, pages: number): Task {
    const { mm } = this;
    const { memory } = mm.system;
    yield mm.mmapLock.shared;
    try {
      for (let page = pageOf(address); page < pageOf(address) + pages; page++) {
        const frame = yield* makeDeviceExclusive(mm, page * PAGE_SIZE, this.device.cookie);
        yield this.mutex;
        this.table.set(page, frame, false, true);
        this.mutex.release();
        const folio = memory.frames.folioOf(frame);
        memory.unlockFolio(folio);
        memory.put(folio);
      }
    } finally {
      mm.mmapLock.releaseShared();
    }
  }

  /** DMIRROR_CHECK_EXCLUSIVE: how many of the pages the device still has to itself. */
  countExclusive(address: number, pages: number): number {
    const end = address + pages * PAGE_SIZE;
    return this.table.within(address, end).filter((page) => this.table.get(page)?.atomic === true).length;
  }

  /** dmirror_fops_release: when this has returned, no callback runs any more and the table is empty. */
  *close(): Task {
    yield this.mutex;
    this.forget(0, ULONG_MAX);
    this.mutex.release();
    yield* this.mm.notifiers.removeInterval(this.notifier);
    this.device.closed(this);
  }

  /**
   * Copies page by page for as long as the table has what is needed; where it has not, all that is left is faulted in. An
   * entry for reading does not do for a write: only a fault makes the page writable, and tells who wants to know of that.
   */
  private *transfer(
    address: number,
    length: number,
    write: boolean,
    copy: (frame: number, within: number, bytes: number, done: number) => void,
  ): Task<MirrorResult> {
    const end = pageAlignUp(address + length);
    let faults = 0;
    for (let done = 0; ; faults++) {
      yield this.mutex;
      done = this.copyMapped(address, length, done, write, copy);
      this.mutex.release();
      if (done === length) return { pages: (end - pageAlignDown(address)) / PAGE_SIZE, faults };
      yield* this.fault(pageAlignDown(address + done), end, write);
    }
  }

  /** dmirror_do_read, dmirror_do_write. Returns how many bytes are done, up to the first page that is missing. */
  private copyMapped(
    address: number,
    length: number,
    from: number,
    write: boolean,
    copy: (frame: number, within: number, bytes: number, done: number) => void,
  ): number {
    let done = from;
    while (done < length) {
      const at = address + done;
      const within = at % PAGE_SIZE;
      const bytes = Math.min(PAGE_SIZE - within, length - done);
      const entry = this.table.get(pageOf(at));
      if (entry === undefined || (write && !entry.writable)) break;
      this.device.watchers.accessed(this.mm, at, bytes, entry.frame, within, write);
      copy(entry.frame, within, bytes, done);
      if (write) entry.written = true;
      done += bytes;
    }
    return done;
  }
}

function failed(code: Exclude<HmmResult, 0>, address: number): Errno {
  return new Errno(code, `fault of a mirror at ${hex(address)}`);
}
