import { PAGE_SIZE, comparePages, hashPage, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { breakKsm, findMergeableVma } from './ksm-break.js';
import type { RmapItem } from './ksm-node.js';
import { replacePage, writeProtectPage } from './ksm-pte.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON, PG_DIRTY, PG_KSM, PG_REFERENCED } from './page-flags.js';
import { ZERO_FRAME } from './physical-memory.js';
import { pteFrame, ptePresent } from './pte.js';
import { splitFolio } from './split-folio.js';
import type { Vma } from './vma.js';

/** A page, and what ksmd knows of it. */
interface ItemAndFrame {
  readonly item: RmapItem;
  readonly frame: number;
}

/**
 * cmp_and_merge_page: merges a page with one of the stable tree; or, if it is as it was in the last scan, with one of the
 * unstable tree, and both become a merged page; or puts it into that tree. The caller has a reference to the page.
 */
export function* cmpAndMergePage(system: MmSystem, frame: number, item: RmapItem): Task {
  const { ksm, memory } = system;
  const node = system.stableNodeOf(frame);
  if (node !== null && item.head === node) return;
  if (node === null) {
    ksm.remove(item);
    const checksum = hashPage(memory.contents, frame);
    if (item.oldChecksum !== checksum) {
      item.oldChecksum = checksum;
      return;
    }
    if (ksm.useZeroPages && comparePages(memory.contents, frame, ZERO_FRAME) === 0) {
      if (yield* mergeWithZeroPage(item, frame)) return;
    }
  }
  const merged = ksm.stable.search(frame, node);
  ksm.remove(item);
  if (merged === 'busy') return;
  if (merged < 0) {
    yield* mergeWithUnstable(system, item, frame);
    return;
  }
  const shared = system.stableNodeOf(merged);
  if ((yield* mergeWithKsmPage(system, item, frame, merged)) && shared !== null) ksm.stable.append(item, shared);
  memory.put(merged);
}

/** The part of cmp_and_merge_page that is about pages which are no merged ones yet. */
function* mergeWithUnstable(system: MmSystem, item: RmapItem, frame: number): Task {
  const { ksm, memory } = system;
  const { frames } = memory;
  const folio = frames.folioOf(frame);
  const found = yield* unstableTreeSearchInsert(system, item, frame);
  if (found === null) return;
  const merged = yield* mergeTwoPages(system, item, frame, found);
  // Two pages of one large folio: there was one reference too many for a split.
  const split = folio === frames.folioOf(found.frame);
  memory.put(frames.folioOf(found.frame));
  if (merged) {
    const node = ksm.stable.insert(frame);
    ksm.stable.append(found.item, node);
    ksm.stable.append(item, node);
  } else if (split && memory.tryLockFolio(folio)) {
    memory.unlockFolio((yield* splitFolio(system, folio, frame)) ? frame : folio);
  }
}

/** try_to_merge_two_pages: the first becomes a merged page, which takes the place of the second. */
function* mergeTwoPages(system: MmSystem, item: RmapItem, frame: number, other: ItemAndFrame): Task<boolean> {
  if (!(yield* mergeWithKsmPage(system, item, frame, null))) return false;
  if (yield* mergeWithKsmPage(system, other.item, other.frame, frame)) return true;
  yield* breakCow(item);
  return false;
}

/**
 * unstable_tree_search_insert: an item whose page holds the same, and its page with a reference. If there is none, the item is
 * put into the tree, unless that has changed underneath.
 */
function* unstableTreeSearchInsert(system: MmSystem, item: RmapItem, frame: number): Task<ItemAndFrame | null> {
  const { ksm, memory } = system;
  let low = 0;
  let high = ksm.unstable.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = ksm.unstable[middle];
    const found = yield* getMergeablePage(system, other);
    if (found < 0) return null;
    const order = comparePages(memory.contents, frame, found);
    // A page that was shared by a fork is not merged with itself.
    if (order === 0 && found !== frame) return { item: other, frame: found };
    memory.put(memory.frames.folioOf(found));
    if (found === frame) return null;
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  item.unstableIn = ksm.seqnr;
  ksm.unstable.splice(low, 0, item);
  ksm.pagesUnshared++;
  return null;
}

/** get_mergeable_page: the frame of an item, with a reference; -1 if it has none that may be merged. */
function* getMergeablePage(system: MmSystem, { mm, address }: RmapItem): Task<number> {
  const { frames } = system.memory;
  yield mm.mmapLock.shared;
  let found = -1;
  if (findMergeableVma(mm, address) !== null) {
    const pte = mm.pageTable.get(pageOf(address));
    if (ptePresent(pte) && frames.has(frames.folioOf(pteFrame(pte)), PG_ANON)) {
      found = pteFrame(pte);
      frames.get(frames.folioOf(found));
    }
  }
  mm.mmapLock.releaseShared();
  return found;
}

/**
 * try_to_merge_with_ksm_page: the item's page gives way to a merged one.
 * @param merged null: it becomes one itself
 */
function* mergeWithKsmPage(system: MmSystem, item: RmapItem, frame: number, merged: number | null): Task<boolean> {
  const { mm, address } = item;
  yield mm.mmapLock.shared;
  const vma = findMergeableVma(mm, address);
  const done = vma !== null && (yield* mergeOnePage(vma, address, frame, merged));
  if (done) {
    system.ksm.remove(item);
    item.anonVma = vma.anonVma;
  }
  mm.mmapLock.releaseShared();
  return done;
}

/** try_to_merge_with_zero_page. A mapping that is not mergeable any more is done with, too. */
function* mergeWithZeroPage({ mm, address }: RmapItem, frame: number): Task<boolean> {
  yield mm.mmapLock.shared;
  const vma = findMergeableVma(mm, address);
  const done = vma === null || (yield* mergeOnePage(vma, address, frame, ZERO_FRAME));
  mm.mmapLock.releaseShared();
  return done;
}

/** try_to_merge_one_page. A large folio is split first. */
function* mergeOnePage(vma: Vma, address: number, frame: number, merged: number | null): Task<boolean> {
  const { system } = vma.mm;
  const { memory } = system;
  const { frames } = memory;
  if (frame === merged) return true;
  const folio = frames.folioOf(frame);
  if (!frames.has(folio, PG_ANON) || !memory.tryLockFolio(folio)) return false;
  if (frames.pages(folio) > 1 && !(yield* splitFolio(system, folio, frame))) {
    memory.unlockFolio(folio);
    return false;
  }
  let done = false;
  const protectedEntry = yield* writeProtectPage(vma, address, frame);
  if (protectedEntry !== null && merged === null) {
    // folio_set_stable_node(NULL): stable_tree_insert names the node.
    frames.set(frame, PG_KSM | PG_REFERENCED | PG_DIRTY);
    frames.owner[frame] = 0;
    done = true;
  } else if (protectedEntry !== null && merged !== null && comparePages(memory.contents, frame, merged) === 0) {
    done = yield* replacePage(vma, address, merged, protectedEntry);
  }
  memory.unlockFolio(frame);
  return done;
}

/** break_cow: a merged page that nobody shares is undone. */
function* breakCow(item: RmapItem): Task {
  const { mm, address } = item;
  item.anonVma = null;
  yield mm.mmapLock.shared;
  const vma = findMergeableVma(mm, address);
  if (vma !== null) yield* breakKsm(vma, address, address + PAGE_SIZE);
  mm.mmapLock.releaseShared();
}
