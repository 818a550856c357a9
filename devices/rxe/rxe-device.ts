import { Errno, PAGE_SIZE, isErrno } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import { pinUserPages, type MmStruct } from '../../src/mm/index.js';
import {
  IBV_ACCESS_HUGETLB,
  IBV_ACCESS_LOCAL_WRITE,
  IBV_ACCESS_REMOTE_ATOMIC,
  IBV_ACCESS_REMOTE_READ,
  IBV_ACCESS_REMOTE_WRITE,
  checkRegMr,
  isWritable,
  type DeviceWatcher,
  type ObservedDevice,
  type RegMrRequest,
  type TranslationVisitor,
} from '../contract/index.js';
import { RxeMr } from './rxe-mr.js';
import { UmemOdp } from './umem-odp.js';

/** How a work request ended: ibv_wc_status by name, without its prefix. */
export type WcStatus = 'SUCCESS' | 'REM_ACCESS_ERR' | 'REM_OP_ERR' | 'LOC_QP_OP_ERR' | 'WR_FLUSH_ERR';

/** What an access to a region may go wrong with. */
type Access = 'ok' | 'denied' | 'fault';

export type MrAdvice = 'prefetch' | 'prefetch_write' | 'prefetch_no_fault';

/**
 * rdma_rxe with a queue pair to itself: a NIC in software, whose worker touches memory where the driver says.
 *
 * The device is the driver: no translation tables, no packets, one page fault per packet of a page. What a request costs
 * is left out; what it does to memory and to the kernel is all there. The requester's buffer is pinned and not shown. The
 * queue pair is set up anew after an error.
 */
export class RxeDevice implements ObservedDevice {
  readonly name = 'rxe';
  readonly driverName = 'rxe';
  readonly cookie = null;
  private readonly regions = new Set<RxeMr>();
  private readonly watchers: DeviceWatcher[] = [];

  watch(watcher: DeviceWatcher): void {
    this.watchers.push(watcher);
  }

  forEachTranslation(mm: MmStruct, start: number, end: number, visit: TranslationVisitor): void {
    for (const region of this.regions) {
      if (region.mm !== mm) continue;
      region.odp?.forEachPage(start, end, (address, frame, writable) => {
        visit(mm, address, frame, writable);
      });
    }
  }

  /** The worker holds umem_mutex while it copies: an invalidation that has the lock finds nothing under way. */
  forEachInFlight(): void {
    // None outlives its own step.
  }

  /**
   * rxe_reg_user_mr.
   * @throws Errno EINVAL, EOPNOTSUPP, and what pinning or the notifiers say
   */
  *regMr(request: RegMrRequest, odp: boolean): Task<RxeMr> {
    checkRegMr(request);
    const { mm, start, length, access } = request;
    if ((access & IBV_ACCESS_HUGETLB) !== 0) throw new Errno('EOPNOTSUPP', 'reg_mr: rxe has no huge page regions');
    if (length === 0) throw new Errno('EINVAL', 'reg_mr of 0 bytes');
    const mr = yield* odp ? regOdp(request, this.watchers) : regPinned(mm, start, length, access);
    this.regions.add(mr);
    return mr;
  }

  *deregMr(mr: RxeMr): Task {
    if (!this.regions.delete(mr)) throw new Errno('EINVAL', 'dereg_mr: not a region of rxe');
    yield* mr.release();
  }

  /** The process has closed the device: its regions go, the latest first. */
  *close(mm: MmStruct): Task {
    for (const mr of [...this.regions].filter((region) => region.mm === mm).reverse()) yield* this.deregMr(mr);
  }

  /**
   * rxe_ib_advise_mr. What is wrong with the region is said at once; what is wrong with its memory, by the task.
   * @throws Errno EINVAL without local write access; the task: EFAULT, EPERM
   */
  adviseMr(mr: RxeMr, advice: MrAdvice, address: number, length: number): Task {
    const { odp } = mr;
    if (odp === null || (mr.access & IBV_ACCESS_LOCAL_WRITE) === 0) throw new Errno('EINVAL', 'advise_mr');
    return prefetch(odp, advice, address, length);
  }

  /** RDMA WRITE of `data` to a remote address. */
  *write(mr: RxeMr, address: number, data: Uint8Array): Task<WcStatus> {
    return remoteStatus(yield* this.access(mr, address, data, IBV_ACCESS_REMOTE_WRITE, true));
  }

  /** RDMA READ of a remote address into `data`. */
  *read(mr: RxeMr, address: number, data: Uint8Array): Task<WcStatus> {
    return remoteStatus(yield* this.access(mr, address, data, IBV_ACCESS_REMOTE_READ, false));
  }

  /**
   * An atomic on 8 bytes, little endian.
   * @param next what to store for what was there; null stores nothing
   */
  *atomic(
    mr: RxeMr,
    address: number,
    next: (old: bigint) => bigint | null,
  ): Task<{ readonly status: WcStatus; readonly old: bigint }> {
    const failed = { status: 'REM_ACCESS_ERR', old: 0n } as const;
    if ((mr.access & IBV_ACCESS_REMOTE_ATOMIC) === 0 || !mr.contains(address, 8)) return failed;
    try {
      const frame = yield* mr.lockPage(address, 1, true);
      this.tell(mr, address, 8, frame, true);
      const { memory } = mr.mm.system;
      const bytes = new Uint8Array(8);
      const view = new DataView(bytes.buffer);
      memory.contents.read(frame, address % PAGE_SIZE, bytes, 0, 8);
      const old = view.getBigUint64(0, true);
      const value = next(old);
      if (value !== null) {
        view.setBigUint64(0, value, true);
        memory.contents.write(frame, address % PAGE_SIZE, 8, memory.nextStamp(), bytes);
      }
      mr.unlockPage();
      return { status: 'SUCCESS', old };
    } catch (error) {
      if (isErrno(error)) return failed;
      throw error;
    }
  }

  /** A SEND from the pinned buffer into a posted receive. */
  *receive(
    mr: RxeMr,
    address: number,
    data: Uint8Array,
  ): Task<{ readonly sender: WcStatus; readonly receiver: WcStatus }> {
    const ok = (yield* this.access(mr, address, data, IBV_ACCESS_LOCAL_WRITE, true)) === 'ok';
    return ok ? { sender: 'SUCCESS', receiver: 'SUCCESS' } : { sender: 'REM_OP_ERR', receiver: 'LOC_QP_OP_ERR' };
  }

  /** The region as the local source of a SEND or an RDMA WRITE: its bytes go to `data`. */
  *gather(mr: RxeMr, address: number, data: Uint8Array): Task<WcStatus> {
    return (yield* this.access(mr, address, data, 0, false)) === 'ok' ? 'SUCCESS' : 'WR_FLUSH_ERR';
  }

  /** Copies between `data` and the region, a page at a time: a packet is no longer than a page. */
  private *access(mr: RxeMr, address: number, data: Uint8Array, needed: number, write: boolean): Task<Access> {
    if ((mr.access & needed) !== needed || !mr.contains(address, data.length)) return 'denied';
    const { memory } = mr.mm.system;
    for (let done = 0; done < data.length;) {
      const at = address + done;
      const within = at % PAGE_SIZE;
      const bytes = Math.min(PAGE_SIZE - within, data.length - done);
      try {
        const frame = yield* mr.lockPage(at, bytes, write);
        this.tell(mr, at, bytes, frame, write);
        if (write) memory.contents.write(frame, within, bytes, memory.nextStamp(), data, done);
        else memory.contents.read(frame, within, data, done, bytes);
        mr.unlockPage();
      } catch (error) {
        if (isErrno(error)) return 'fault';
        throw error;
      }
      done += bytes;
    }
    return 'ok';
  }

  /** Whoever watches hears of accesses without a pin. */
  private tell({ mm, odp }: RxeMr, address: number, length: number, frame: number, write: boolean): void {
    if (odp === null) return;
    for (const watcher of this.watchers) watcher.accessed(mm, address, length, frame, address % PAGE_SIZE, write);
  }
}

/** A region without pins. What the CPU has mapped already needs no fault later (rxe_odp_init_pages). */
function* regOdp({ mm, start, length, access }: RegMrRequest, watchers: readonly DeviceWatcher[]): Task<RxeMr> {
  const umem = new UmemOdp(mm, start, length, isWritable(access), watchers);
  yield* umem.faultAndLock(start, length, 'snapshot');
  umem.mutex.release();
  return new RxeMr(mm, start, length, access, umem);
}

function* regPinned(mm: MmStruct, start: number, length: number, access: number): Task<RxeMr> {
  const frames = yield* pinUserPages(mm, start, length, { write: isWritable(access), longterm: true });
  mm.pinnedVm += frames.length;
  return new RxeMr(mm, start, length, access, frames);
}

function remoteStatus(result: Access): WcStatus {
  return result === 'ok' ? 'SUCCESS' : 'REM_ACCESS_ERR';
}

function* prefetch(odp: UmemOdp, advice: MrAdvice, address: number, length: number): Task {
  const mode = advice === 'prefetch' ? 'read' : advice === 'prefetch_write' ? 'write' : 'snapshot';
  yield* odp.faultAndLock(address, length, mode);
  odp.mutex.release();
}
