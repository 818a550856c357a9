import { PAGE_SIZE, pageAlignDown } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import { unpinUserPages, unpinUserPagesDirtyLock, type MmStruct } from '../../src/mm/index.js';
import { isWritable } from '../contract/index.js';
import type { UmemOdp } from './umem-odp.js';

/** A registered region of the software NIC: struct rxe_mr. */
export class RxeMr {
  constructor(
    readonly mm: MmStruct,
    readonly start: number,
    readonly length: number,
    /** IBV_ACCESS_* */
    readonly access: number,
    /** On-demand paging, or the pinned frames, one per page. */
    private readonly pages: UmemOdp | Int32Array,
  ) {}

  get odp(): UmemOdp | null {
    return this.pages instanceof Int32Array ? null : this.pages;
  }

  /** mr_check_range. */
  contains(address: number, length: number): boolean {
    return address >= this.start && address + length <= this.start + this.length;
  }

  /**
   * Makes the page at `address` usable. Until `unlockPage` its translation stays.
   * @returns the frame
   * @throws Errno as a page fault of the device ends
   */
  *lockPage(address: number, length: number, write: boolean): Task<number> {
    const { pages } = this;
    if (pages instanceof Int32Array) return pages[(pageAlignDown(address) - pageAlignDown(this.start)) / PAGE_SIZE];
    yield* pages.mapAndLock(address, length, write);
    return pages.frameOf(address);
  }

  unlockPage(): void {
    this.odp?.mutex.release();
  }

  /** rxe_mr_cleanup. */
  *release(): Task {
    const { pages, mm } = this;
    if (!(pages instanceof Int32Array)) {
      yield* pages.release();
      return;
    }
    if (isWritable(this.access)) yield* unpinUserPagesDirtyLock(mm.system, pages);
    else unpinUserPages(mm.system, pages);
    mm.pinnedVm -= pages.length;
  }
}
