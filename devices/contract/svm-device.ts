import type { Task } from '../../src/engine/index.js';
import type { MmStruct } from '../../src/mm/index.js';
import type { ObservedDevice } from './observed-device.js';

/**
 * A device with shared virtual memory: it uses the addresses of processes, through page tables of its own that follow the
 * CPU's. A GPU or an accelerator, with its own fault queue and its own driver; no NIC. devices/mirror is one.
 *
 * Hardware and driver are one object here, made by a `DeviceFactory`. As an ObservedDevice it tells whoever watches of every
 * access and every translation at the moment at which it happens: that is what rules are checked against. `DeviceWatchers`
 * keeps those who watch; `busRead`, `busWrite` and `setPageDirty` are what it does to memory.
 */
export interface SvmDevice extends ObservedDevice {
  /**
   * The device opens a process. It subscribes to the notifiers of `mm` here, and touches no memory yet.
   * One device may have several open, and one several times.
   */
  open(mm: MmStruct): SvmContext;
}

/**
 * A process that a device has opened. Addresses are the process's, in bytes, and need no alignment; buffers may cross pages.
 *
 * What is missing is faulted in, as often as need be. Both fail as HMM's fault does: EFAULT where nothing is mapped or nothing
 * may be read, EPERM where something may be read and not written, EINVAL when the process has gone, EBUSY when
 * invalidations never stop, ENOMEM. What was copied before an error stays so.
 */
export interface SvmContext {
  /** The device reads memory into `target`. @throws Errno EFAULT, EINVAL, EBUSY, ENOMEM */
  read(address: number, target: Uint8Array): Task<unknown>;
  /** The device writes `data` to memory. @throws Errno EFAULT, EPERM, EINVAL, EBUSY, ENOMEM */
  write(address: number, data: Uint8Array): Task<unknown>;
  /**
   * The device gives the process up: when this has returned it has no translation, and no callback runs any more. It is called
   * once, and not while an operation of the context is under way: Linux releases a file when nobody uses it.
   */
  close(): Task;
  /**
   * Capability SNAPSHOT: what the CPU has of some pages, HMM_DMIRROR_PROT_* of lib/test_hmm_uapi.h each (devices/mirror has
   * them as MIRROR_PROT_*). Nothing is faulted in. @throws Errno EBUSY
   */
  snapshot?(address: number, pages: number): Task<Uint8Array>;
  /**
   * Capability EXCLUSIVE: the device gets pages to itself until the CPU touches them again.
   * @throws Errno EFAULT, EOPNOTSUPP, EBUSY, ENOMEM
   */
  exclusive?(address: number, pages: number): Task;
  /** Capability EXCLUSIVE: how many of the pages the device still has to itself. */
  countExclusive?(address: number, pages: number): number;
}
