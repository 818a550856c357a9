import { Errno, PAGE_SIZE, hex, isPageAligned, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { anonVmaPrepare } from './anon-vma.js';
import { mapFrame, mapZeroFrame } from './map-frame.js';
import { MmuGather } from './mmu-gather.js';
import { changeProtection } from './mprotect.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_NONE, PTE_WRITE, SWP_MARKER, swapType } from './pte.js';
import { UserfaultfdCtx } from './userfaultfd-ctx.js';
import { modify } from './vma-merge.js';
import { VM_SHARED, VM_UFFD, VM_UFFD_MISSING, VM_UFFD_WP, VM_WRITE, type Vma } from './vma.js';

/** What a userfaultfd watches for: UFFDIO_REGISTER_MODE_MISSING and _WP. */
export interface UffdModes {
  readonly missing: boolean;
  readonly wp: boolean;
}

/**
 * userfaultfd(2): faults of registered mappings are dealt with by whoever reads them from here, while the threads that met
 * them wait without mmap_lock. Who cannot wait (hmm_range_fault, and with it a device that pages on demand) fails at once.
 *
 * Memory that may be registered is private anonymous memory and memory of tmpfs; hugetlb is not modelled.
 */
export class Userfaultfd extends UserfaultfdCtx {
  /**
   * UFFDIO_REGISTER. Nobody is told: entries stay as they are.
   * @throws Errno EINVAL for a range that is not made of pages, in which nothing is mapped, or with memory that cannot be
   *   watched; EBUSY if another userfaultfd watches it
   */
  *register(address: number, length: number, modes: UffdModes): Task {
    const end = checkRange(address, length);
    const flags = (modes.missing ? VM_UFFD_MISSING : 0) | (modes.wp ? VM_UFFD_WP : 0);
    if (flags === 0) throw new Errno('EINVAL', 'userfaultfd: a registration that watches for nothing');
    const { mm } = this;
    yield mm.mmapLock.exclusive;
    try {
      for (const vma of this.watchable(address, end)) {
        if (vma.userfaultfd !== null && vma.userfaultfd !== this) throw new Errno('EBUSY', vma.toString());
      }
      for (const vma of mm.vmas.overlapping(address, end)) {
        if (vma.userfaultfd === this && (vma.flags & flags) === flags) continue;
        yield* modify(vma, Math.max(address, vma.start), Math.min(end, vma.end), (part) => {
          part.flags = (part.flags & ~VM_UFFD) | flags;
          part.userfaultfd = this;
        });
      }
    } finally {
      mm.mmapLock.releaseExclusive();
    }
  }

  /**
   * UFFDIO_UNREGISTER: pages that are write-protected are so no longer, which is told like any change of protection.
   * @throws Errno EINVAL as register
   */
  *unregister(address: number, length: number): Task {
    const end = checkRange(address, length);
    const { mm } = this;
    yield mm.mmapLock.exclusive;
    try {
      for (const vma of this.watchable(address, end)) {
        if (vma.userfaultfd !== null && vma.userfaultfd !== this) throw new Errno('EINVAL', vma.toString());
      }
      for (const vma of mm.vmas.overlapping(address, end)) {
        if (vma.userfaultfd === null) continue;
        const start = Math.max(address, vma.start);
        const stop = Math.min(end, vma.end);
        if (vma.has(VM_UFFD_MISSING)) this.wake(start, stop - start);
        if (vma.has(VM_UFFD_WP)) yield* writeProtectRange(vma, start, stop, false);
        yield* modify(vma, start, stop, (part) => {
          part.flags &= ~VM_UFFD;
          part.userfaultfd = null;
        });
      }
    } finally {
      mm.mmapLock.releaseExclusive();
    }
  }

  /**
   * UFFDIO_WRITEPROTECT (mwriteprotect_range): one PROTECTION_VMA per mapping, in both directions.
   * @throws Errno ENOENT for memory that is not registered for that, after what comes before it
   */
  *writeProtect(address: number, length: number, on: boolean): Task {
    const end = checkRange(address, length);
    const { mm } = this;
    yield mm.mmapLock.shared;
    try {
      const vmas = mm.vmas.overlapping(address, end);
      if (vmas.length === 0) throw new Errno('ENOENT', `userfaultfd: nothing is mapped at ${hex(address)}`);
      for (const vma of vmas) {
        if (!vma.has(VM_UFFD_WP)) throw new Errno('ENOENT', `userfaultfd: ${vma.toString()} is not registered for wp`);
        yield* writeProtectRange(vma, Math.max(address, vma.start), Math.min(end, vma.end), on);
      }
    } finally {
      mm.mmapLock.releaseShared();
    }
    if (!on) this.wake(address, length);
  }

  /**
   * UFFDIO_ZEROPAGE: zero pages where nothing is; the shared one in private memory, new pages of the file in shared memory.
   * @throws Errno ENOENT for memory that is not registered; EEXIST for a page that is there already; EFAULT behind the end
   *   of the file; ENOMEM
   */
  *zeropage(address: number, length: number): Task {
    const end = checkRange(address, length);
    const { mm } = this;
    yield mm.mmapLock.shared;
    try {
      for (let at = address; at < end; at += PAGE_SIZE) yield* this.fill(at);
    } finally {
      mm.mmapLock.releaseShared();
    }
    this.wake(address, length);
  }

  /** mfill_atomic_pte_zeropage, shmem_mfill_atomic_pte. */
  private *fill(address: number): Task {
    const vma = this.mm.vmas.at(address);
    if (vma?.userfaultfd !== this) throw new Errno('ENOENT', `userfaultfd: ${hex(address)} is not registered`);
    if (!vma.has(VM_SHARED)) anonVmaPrepare(vma);
    const pte = this.mm.pageTable.get(pageOf(address));
    if (pte !== PTE_NONE && swapType(pte) !== SWP_MARKER) throw new Errno('EEXIST', `userfaultfd: ${hex(address)}`);
    const make = vma.has(VM_SHARED) ? vma.file?.vmOps.newZeroFolio?.(vma.pageIndex(address)) : undefined;
    if (make === undefined) {
      mapZeroFrame(vma, address);
      return;
    }
    const folio = yield* make;
    mapFrame(vma, address, folio, PTE_DIRTY | PTE_ACCESSED | (vma.has(VM_WRITE) ? PTE_WRITE : 0));
    this.mm.system.memory.unlockFolio(folio);
  }

  /** The mappings of a range, all of which can be watched. @throws Errno EINVAL if there is none, or one cannot */
  private watchable(address: number, end: number): readonly Vma[] {
    const vmas = this.mm.vmas.overlapping(address, end);
    const refused = vmas.find((vma) => !canUserfault(vma));
    if (vmas.length === 0 || refused !== undefined) {
      throw new Errno('EINVAL', `userfaultfd at ${hex(address)}: ${refused?.toString() ?? 'nothing is mapped there'}`);
    }
    return vmas;
  }
}

/** vma_can_userfault: private anonymous memory, and files whose owner makes pages for a userfaultfd. */
function canUserfault(vma: Vma): boolean {
  return vma.file === null || vma.file.vmOps.newZeroFolio !== undefined;
}

/** uffd_wp_range. */
function* writeProtectRange(vma: Vma, start: number, end: number, on: boolean): Task {
  const gather = new MmuGather(vma.mm);
  yield* changeProtection(vma, start, end, gather, on ? 'uffd_wp' : 'uffd_wp_resolve');
  gather.finish();
}

/** validate_unaligned_range and what follows it. @returns the end of the range */
function checkRange(address: number, length: number): number {
  if (!isPageAligned(address) || !isPageAligned(length) || length <= 0) {
    throw new Errno('EINVAL', `userfaultfd: ${String(length)} bytes at ${hex(address)}`);
  }
  return address + length;
}
