import { PAGE_SIZE } from '../../src/base/index.js';
import { pteFrame, type MmStruct } from '../../src/mm/index.js';
import type { AccessVisitor, DeviceWatcher, ObservedDevice, TranslationVisitor } from '../../devices/contract/index.js';
import type { Violation } from '../../src/check/index.js';
import { Machine, address, type MapOptions } from './machine.js';

interface Translation {
  readonly frame: number;
  readonly writable: boolean;
}

/** An access under way. */
export interface Posted {
  readonly page: number;
  readonly frame: number;
  readonly write: boolean;
  /** Of whose memory it is; default that of the device's process. */
  readonly mm?: MmStruct;
}

/**
 * A device without a will of its own: a test says what it does, page by page of a machine's process, right or wrong. It has
 * no driver; the test is that, too.
 */
export class BareDevice implements ObservedDevice {
  cookie: unknown = null;
  /** In flight: issued, not landed. */
  readonly posted: Posted[] = [];
  private readonly translations = new Map<number, Translation>();
  private watchers: DeviceWatcher[] = [];

  constructor(
    private readonly mm: MmStruct,
    readonly name = 'device',
    readonly driverName = 'driver',
  ) {}

  watch(watcher: DeviceWatcher): void {
    this.watchers.push(watcher);
  }

  forEachTranslation(mm: MmStruct, start: number, end: number, visit: TranslationVisitor): void {
    if (mm !== this.mm) return;
    for (const [page, { frame, writable }] of this.translations) {
      if (start < address(page + 1) && address(page) < end) visit(mm, address(page), frame, writable);
    }
  }

  forEachInFlight(visit: AccessVisitor): void {
    for (const { page, frame, write, mm = this.mm } of this.posted) visit(mm, address(page), 64, frame, 0, write);
  }

  /** Makes a translation: of what the CPU has, with its rights, unless told otherwise. */
  map(page: number, frame = this.frameOf(page), writable = (this.pte(page) & 2) !== 0): void {
    this.unmap(page);
    this.translations.set(page, { frame, writable });
    for (const watcher of this.watchers) watcher.installed(this.mm, address(page), frame, writable);
  }

  unmap(...pages: readonly number[]): void {
    for (const page of pages) {
      const was = this.translations.get(page);
      this.translations.delete(page);
      if (was === undefined) continue;
      for (const watcher of this.watchers) watcher.removed(this.mm, address(page), was.frame, was.writable);
    }
  }

  read(page: number, frame = this.used(page)): void {
    for (const watcher of this.watchers) watcher.accessed(this.mm, address(page), 64, frame, 0, false);
  }

  /**
   * @param offset the byte of the page that it goes to; it means the first
   * @param mm of whose memory it is
   */
  write(page: number, frame = this.used(page), offset = 0, mm = this.mm): void {
    for (const watcher of this.watchers) watcher.accessed(mm, address(page), 64, frame, offset, true);
  }

  /** Raises a page fault, in the memory of its process or of another; the identity by which it is answered. */
  fault(page: number, mm = this.mm): object {
    const fault = { page };
    for (const watcher of this.watchers) watcher.faultRaised(fault, mm, address(page), PAGE_SIZE);
    return fault;
  }

  answer(fault: object, outcome: 'retry' | 'error'): void {
    for (const watcher of this.watchers) watcher.faultEnded(fault, outcome);
  }

  command(name: string): void {
    for (const watcher of this.watchers) watcher.deadKeyUsed('rkey 0x100', 0, name);
  }

  /** The frame behind a page of the process now. */
  frameOf(page: number): number {
    return pteFrame(this.pte(page));
  }

  private used(page: number): number {
    return this.translations.get(page)?.frame ?? this.frameOf(page);
  }

  private pte(page: number): number {
    return this.mm.pageTable.get(address(page) / PAGE_SIZE);
  }
}

/** A machine with four pages of anonymous memory, all written by the CPU, and a device under the rules. */
export class WatchedDevice extends Machine {
  readonly device = new BareDevice(this.mm);

  constructor(map: MapOptions & { readonly populate?: boolean } = {}) {
    super();
    this.rules?.watch(this.device);
    this.mapAnon(4, map);
    for (let page = 0; page < 4 && map.populate !== false; page++) this.store(page);
  }

  /**
   * A driver: `invalidate` is called for every range over the four pages.
   * @returns the subscription
   */
  driver(invalidate: Parameters<typeof this.mm.notifiers.insertInterval>[2]['invalidate'], name = 'driver'): void {
    const notifier = this.mm.notifiers.insertInterval(address(0), 4 * PAGE_SIZE, {
      name,
      invalidate: (range, seq) => {
        notifier.setSeq(seq);
        invalidate(range, seq);
      },
    });
  }

  /** What a story breaks; null if it breaks nothing. */
  verdict(story: () => void): Violation | null {
    try {
      story();
      return null;
    } catch (error) {
      const violation = this.rules?.explain(error) ?? null;
      if (violation === null) throw error;
      return violation;
    }
  }

  /** The number of the rule that a story breaks, told in parts; null if it breaks none. */
  breaks(...story: readonly (() => unknown)[]): string | null {
    const all = (): void => {
      for (const part of story) part();
    };
    return this.verdict(all)?.rule ?? null;
  }
}
