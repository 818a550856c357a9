import {
  Condition,
  PAGE_SIZE,
  US,
  busRead,
  busWrite,
  pageOf,
  type AccessVisitor,
  type DeviceWatchers,
  type MmStruct,
  type Task,
  type TranslationVisitor,
} from 'pinless';

/** From an access's way through the page table to its arrival in memory, in virtual ns. */
const ACCESS_TIME = 1 * US;

/** An entry of the page table. */
interface Entry {
  readonly frame: number;
  readonly writable: boolean;
  /** The device has written through it. */
  written: boolean;
}

/** An access on its way to memory, within one page. */
interface Access {
  readonly address: number;
  readonly frame: number;
  readonly bytes: Uint8Array;
  readonly write: boolean;
}

/**
 * Hardware: the page table of one process, and the accesses that go through it. `watchers` hear of everything when it
 * happens; rules and traces know it from there.
 */
export class DeviceMmu {
  private readonly entries = new Map<number, Entry>();
  private readonly inFlight = new Set<Access>();
  private readonly landed: Condition;

  constructor(
    private readonly mm: MmStruct,
    private readonly watchers: DeviceWatchers,
  ) {
    this.landed = new Condition(mm.system.simulation, 'accesses of the device to land');
  }

  /** Moves bytes within one page. @returns false if there is no translation that will do */
  *access(address: number, bytes: Uint8Array, write: boolean): Task<boolean> {
    const entry = this.entries.get(pageOf(address));
    if (entry === undefined || (write && !entry.writable)) return false;
    const { frame } = entry;
    const within = address % PAGE_SIZE;
    const access = { address, frame, bytes, write };
    if (write) entry.written = true;
    this.inFlight.add(access);
    this.watchers.accessed(this.mm, address, bytes.length, frame, within, write);
    yield ACCESS_TIME;
    if (write) busWrite(this.mm, frame, within, bytes);
    else busRead(this.mm, frame, within, bytes);
    this.inFlight.delete(access);
    this.landed.notifyAll();
    return true;
  }

  /** A translation; in the place of another one if there is one. */
  install(address: number, frame: number, writable: boolean): void {
    const was = this.entries.get(pageOf(address));
    if (was !== undefined) this.watchers.removed(this.mm, address, was.frame, was.writable);
    this.entries.set(pageOf(address), { frame, writable, written: was?.written ?? false });
    this.watchers.installed(this.mm, address, frame, writable);
  }

  /** Removes the translations of [start, end); when it has returned, nothing lands through them. @returns frames written */
  *unmap(start: number, end: number): Task<number[]> {
    const written: number[] = [];
    for (const [page, entry] of this.within(start, end)) {
      this.entries.delete(page);
      this.watchers.removed(this.mm, page * PAGE_SIZE, entry.frame, entry.writable);
      if (entry.written) written.push(entry.frame);
    }
    while (this.isUsed(start, end)) yield this.landed;
    return written;
  }

  forEachTranslation(start: number, end: number, visit: TranslationVisitor): void {
    for (const [page, { frame, writable }] of this.within(start, end))
      visit(this.mm, page * PAGE_SIZE, frame, writable);
  }

  forEachInFlight(visit: AccessVisitor): void {
    for (const { address, bytes, frame, write } of this.inFlight) {
      visit(this.mm, address, bytes.length, frame, address % PAGE_SIZE, write);
    }
  }

  private within(start: number, end: number): [page: number, entry: Entry][] {
    return [...this.entries].filter(([page]) => start < (page + 1) * PAGE_SIZE && page * PAGE_SIZE < end);
  }

  private isUsed(start: number, end: number): boolean {
    return [...this.inFlight].some(({ address, bytes }) => address < end && start < address + bytes.length);
  }
}
