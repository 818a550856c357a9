import type { MmStruct } from '../../src/mm/index.js';
import { DeviceWatchers, type DeviceWatcher, type SvmDevice, type TranslationVisitor } from '../contract/index.js';
import { Mirror } from './mirror.js';

/** A device that mirrors processes, in software: one of test_hmm's /dev/hmm_dmirror*. */
export class MirrorDevice implements SvmDevice {
  readonly driverName: string;
  /** Notifications that the device causes itself carry it as their owner. */
  readonly cookie: unknown = this;
  /** @internal */
  readonly watchers = new DeviceWatchers();
  private readonly mirrors = new Set<Mirror>();

  constructor(readonly name = 'hmm_dmirror0') {
    this.driverName = name;
  }

  /** dmirror_fops_open: from here on the process is mirrored, as far as the device uses it. */
  open(mm: MmStruct): Mirror {
    const mirror = new Mirror(this, mm);
    this.mirrors.add(mirror);
    return mirror;
  }

  /** @internal */
  closed(mirror: Mirror): void {
    this.mirrors.delete(mirror);
  }

  watch(watcher: DeviceWatcher): void {
    this.watchers.add(watcher);
  }

  forEachTranslation(mm: MmStruct, start: number, end: number, visit: TranslationVisitor): void {
    for (const mirror of this.mirrors) if (mirror.mm === mm) mirror.table.forEach(start, end, visit);
  }

  /** An access is over when the lock is released under which it is made. */
  forEachInFlight(): void {
    // None outlives its own step.
  }
}
