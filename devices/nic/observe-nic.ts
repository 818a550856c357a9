import { IntervalTree, PAGE_SIZE, type TreeInterval } from '../../src/base/index.js';
import type { MmStruct } from '../../src/mm/index.js';
import {
  MTT_PRESENT,
  MTT_WRITE,
  mttFrame,
  type AccessVisitor,
  type DeviceWatcher,
  type ObservedDevice,
  type TranslationVisitor,
} from '../contract/index.js';
import type { NicMkey } from './mkey-table.js';
import type { Nic, TranslationChange } from './nic.js';

/** What a NIC does, for whoever watches it: its bus, its translation tables and its page faults, in the addresses of processes. */
class ObservedNic implements ObservedDevice {
  readonly cookie = null;
  /** Keys that have, or had, translations, by the addresses that they cover. */
  private readonly keys = new Map<MmStruct, IntervalTree<NicMkey>>();
  private readonly places = new Map<NicMkey, TreeInterval<NicMkey>>();

  constructor(private readonly nic: Nic) {
    nic.translations$.subscribe((change) => {
      this.keep(change.mkey);
    });
  }

  get name(): string {
    return this.nic.name;
  }

  get driverName(): string {
    return this.nic.driver?.name ?? this.nic.name;
  }

  watch(watcher: DeviceWatcher): void {
    const { nic } = this;
    nic.dma.issued$.subscribe(({ kind, mkey, address, length, frame, offset }) => {
      if (mkey === null || mkey.mm === null || kind === 'call') return;
      watcher.accessed(mkey.mm, address + mkey.shift, length, frame, offset, kind === 'write');
    });
    nic.translations$.subscribe((change) => {
      tell(watcher, change);
    });
    nic.pageFaults$.subscribe((fault) => {
      const { mkey } = fault;
      if (mkey.mm === null) return;
      const address = firstAddress(mkey) + fault.firstPage * PAGE_SIZE;
      watcher.faultRaised(fault, mkey.mm, address, fault.pages * PAGE_SIZE);
    });
    nic.resumed$.subscribe(({ fault, outcome }) => {
      // A key that is gone needs no translation: the operation fails when it is tried again.
      watcher.faultEnded(fault, fault.mkey.valid ? outcome : 'error');
    });
    nic.deadKeyCommands$.subscribe(({ mkey, command }) => {
      watcher.deadKeyUsed(`rkey 0x${mkey.rkey.toString(16)}`, mkey.destroyedAt ?? 0, command);
    });
  }

  forEachTranslation(mm: MmStruct, start: number, end: number, visit: TranslationVisitor): void {
    this.keys.get(mm)?.forEachOverlap(start, end - 1, (mkey, { start: first }) => {
      const from = Math.max(0, Math.floor((start - first) / PAGE_SIZE));
      const to = Math.min(mkey.pages, Math.ceil((end - first) / PAGE_SIZE));
      mkey.entries.forEach(from, to, (page, entry) => {
        visit(mm, first + page * PAGE_SIZE, mttFrame(entry), (entry & MTT_WRITE) !== 0);
      });
    });
  }

  forEachInFlight(visit: AccessVisitor): void {
    for (const { kind, mkey, address, length, frame, offset } of this.nic.dma.inFlight()) {
      if (mkey === null || mkey.mm === null) continue;
      visit(mkey.mm, address + mkey.shift, length, frame, offset, kind === 'write');
    }
  }

  /** Notes where a key lies; forgets one that is no more. */
  private keep(mkey: NicMkey): void {
    const { mm } = mkey;
    if (mm === null || this.places.has(mkey) === mkey.valid) return;
    const place = this.places.get(mkey);
    if (place !== undefined) {
      this.keys.get(mm)?.remove(place);
      this.places.delete(mkey);
      return;
    }
    const start = firstAddress(mkey);
    let tree = this.keys.get(mm);
    if (tree === undefined) this.keys.set(mm, (tree = new IntervalTree()));
    this.places.set(mkey, tree.insert(start, start + mkey.pages * PAGE_SIZE - 1, mkey));
  }
}

/** Lets a NIC be watched. */
export function observeNic(nic: Nic): ObservedDevice {
  return new ObservedNic(nic);
}

/** Address of a key's first page in its process. */
function firstAddress({ iova, shift }: NicMkey): number {
  const address = iova + shift;
  return address - (address % PAGE_SIZE);
}

function tell(watcher: DeviceWatcher, { mkey, page, was, now }: TranslationChange): void {
  const { mm } = mkey;
  if (mm === null) return;
  const address = firstAddress(mkey) + page * PAGE_SIZE;
  if ((was & MTT_PRESENT) !== 0) watcher.removed(mm, address, mttFrame(was), (was & MTT_WRITE) !== 0);
  if ((now & MTT_PRESENT) !== 0) watcher.installed(mm, address, mttFrame(now), (now & MTT_WRITE) !== 0);
}
