import { RwLock } from '../engine/index.js';
import { MmuNotifiers, type MmRef } from '../../notifiers/index.js';
import type { MmSystem } from './mm-system.js';
import { PageTable, type EntryWatcher } from './page-table.js';
import { VmaSet } from './vma-set.js';

/** One address space of a process: Linux's struct mm_struct. */
export class MmStruct implements MmRef {
  readonly vmas = new VmaSet();
  readonly pageTable: PageTable;
  /** mmap_lock: shared by faults, exclusive to change mappings. */
  readonly mmapLock: RwLock;
  readonly notifiers: MmuNotifiers;
  /** Pages pinned for long on behalf of devices: what RLIMIT_MEMLOCK counts. */
  pinnedVm = 0;
  /** RLIMIT_MEMLOCK in bytes, as seen by whoever pins on the process's behalf; unlimited unless it is set. */
  rlimitMemlock = Infinity;
  /** False once exit_mmap has begun: mmget_not_zero fails. */
  alive = true;
  /** MMF_UNSTABLE: its private memory is being taken away. */
  unstable = false;
  /** MMF_OOM_SKIP: exit_mmap has unmapped everything. */
  oomSkip = false;

  /** @internal made by MmSystem.newMm */
  constructor(
    readonly system: MmSystem,
    readonly id: number,
    readonly name: string,
  ) {
    this.pageTable = new PageTable(new EntryChanges(this));
    this.mmapLock = new RwLock(system.simulation, `mmap_lock of ${name}`, 'mmap_lock');
    this.notifiers = new MmuNotifiers(system.hub, this);
  }
}

/** Tells the machine's stream of the changes of one address space. */
class EntryChanges implements EntryWatcher {
  constructor(private readonly mm: MmStruct) {}

  get observed(): boolean {
    return this.mm.system.entryChanges$.observed;
  }

  changed(page: number, pages: number, was: number, now: number): void {
    const { mm } = this;
    mm.system.entryChanges$.emit({ mm, page, pages, was, now });
  }
}
