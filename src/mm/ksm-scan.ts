import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { cmpAndMergePage } from './ksm-merge.js';
import { RmapItem } from './ksm-node.js';
import type { Ksm, MmSlot, ScanCursor } from './ksm.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON, PG_KSM } from './page-flags.js';
import { PTE_NONE, pteFrame, ptePresent } from './pte.js';
import { VM_MERGEABLE, type Vma } from './vma.js';

/** A page to be merged, with a reference. */
interface Found {
  readonly item: RmapItem;
  readonly frame: number;
}

/** ksmd, for so many scans of all mergeable mappings of all processes. */
export function* ksmd(system: MmSystem, scans: number): Task {
  const { ksm, memory } = system;
  for (let i = 0; i < scans; i++) {
    yield ksm.thread;
    // ksm_do_scan
    for (;;) {
      const found = yield* scanGetNextRmapItem(system);
      if (found === null) break;
      yield* cmpAndMergePage(system, found.frame, found.item);
      memory.put(memory.frames.folioOf(found.frame));
    }
    ksm.thread.release();
  }
}

/** scan_get_next_rmap_item: the next anonymous page of a mergeable mapping; null at the end of a scan. */
function* scanGetNextRmapItem(system: MmSystem): Task<Found | null> {
  const { ksm } = system;
  if (ksm.slots.length === 0) return null;
  if (ksm.cursor === null) startScan(system);
  while (ksm.cursor !== null) {
    const found = yield* scanMm(system, ksm.cursor);
    if (found !== null) return found;
  }
  ksm.seqnr++;
  return null;
}

function startScan({ ksm, lruBatches }: MmSystem): void {
  // What waits there is referred to, and cannot be merged.
  lruBatches.drain();
  ksm.unstable.length = 0;
  ksm.cursor = startOf(ksm.slots[0]);
}

/** The next page of the mm at the cursor; null if it has no more, and the cursor is at the next one. */
function* scanMm(system: MmSystem, cursor: ScanCursor): Task<Found | null> {
  const { ksm } = system;
  const { slot } = cursor;
  const { mm, items } = slot;
  yield mm.mmapLock.shared;
  const found = mm.alive ? nextItem(system, cursor) : null;
  if (found === null) {
    if (!mm.alive) {
      cursor.address = 0;
      cursor.item = 0;
    }
    // remove_trailing_rmap_items
    for (const item of items.splice(cursor.item)) ksm.remove(item);
    const at = ksm.slots.indexOf(slot);
    ksm.cursor = at + 1 < ksm.slots.length ? startOf(ksm.slots[at + 1]) : null;
    if (cursor.address === 0) ksm.slots.splice(at, 1);
  }
  mm.mmapLock.releaseShared();
  return found;
}

function startOf(slot: MmSlot): ScanCursor {
  return { slot, address: 0, item: 0 };
}

function nextItem(system: MmSystem, cursor: ScanCursor): Found | null {
  const { ksm } = system;
  const { frames } = system.memory;
  const { mm } = cursor.slot;
  for (const vma of mm.vmas) {
    if (vma.end <= cursor.address || !vma.has(VM_MERGEABLE)) continue;
    cursor.address = Math.max(cursor.address, vma.start);
    while (cursor.address < vma.end) {
      const page = vma.anonVma === null ? -1 : nextAnonPage(vma, pageOf(cursor.address));
      if (page < 0) {
        cursor.address = vma.end;
        break;
      }
      const item = itemAt(ksm, cursor, page * PAGE_SIZE);
      cursor.item++;
      cursor.address = (page + 1) * PAGE_SIZE;
      const frame = pteFrame(mm.pageTable.get(page));
      if (isSkipped(ksm, item, frames.has(frames.folioOf(frame), PG_KSM))) continue;
      frames.get(frames.folioOf(frame));
      return { item, frame };
    }
  }
  return null;
}

/** ksm_next_page_pmd_entry: the first page from there on that is anonymous and present; -1 if there is none. */
function nextAnonPage({ mm, end }: Vma, from: number): number {
  const { pageTable, system } = mm;
  const { frames } = system.memory;
  const isAnon = (pte: number): boolean => ptePresent(pte) && frames.has(frames.folioOf(pteFrame(pte)), PG_ANON);
  for (const [first, stop] of pageTable.populatedBlocks(from, pageOf(end))) {
    if (pageTable.huge(first) !== PTE_NONE) {
      if (isAnon(pageTable.huge(first))) return first;
      continue;
    }
    for (let page = first; page < stop; page++) if (isAnon(pageTable.get(page))) return page;
  }
  return -1;
}

/** get_next_rmap_item: the item for an address, at the cursor. Items of pages that are not there any more are dropped. */
function itemAt(ksm: Ksm, { slot, item: at }: ScanCursor, address: number): RmapItem {
  const { items, mm } = slot;
  while (at < items.length && items[at].address < address) ksm.remove(items.splice(at, 1)[0]);
  if (at < items.length && items[at].address === address) return items[at];
  const item = new RmapItem(mm, address);
  items.splice(at, 0, item);
  return item;
}

/** Most that an age says. */
const OLDEST = 255;

/** should_skip_rmap_item: what could not be merged three times is looked at in every other scan, later in fewer. */
function isSkipped(ksm: Ksm, item: RmapItem, merged: boolean): boolean {
  if (!ksm.smartScan || merged || item.head !== null) return false;
  const { age } = item;
  item.age = Math.min(OLDEST, age + 1);
  if (age < 3) return false;
  if (item.remainingSkips === 0) {
    item.remainingSkips = skipAge(age);
    return false;
  }
  item.remainingSkips--;
  ksm.remove(item);
  return true;
}

/** skip_age: scans that pass a page of that age over. */
function skipAge(age: number): number {
  if (age <= 3) return 1;
  if (age <= 5) return 2;
  return age <= 8 ? 4 : 8;
}
