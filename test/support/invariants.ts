import { PAGE_SIZE, PTRS_PER_PTE } from '../../src/base/index.js';
import type { Inode } from '../../src/fs/index.js';
import type { KernelCore } from '../../src/kernel/index.js';
import {
  GUP_PIN_COUNTING_BIAS,
  PG_DIRTY,
  PG_HWPOISON,
  PG_WRITEBACK,
  TASK_SIZE,
  VM_SHARED,
  ZERO_FRAME,
  pteFrame,
  ptePresent,
  pteWritable,
  type MmStruct,
  type Vma,
} from '../../src/mm/index.js';

/** What the machine's parts say of one frame or folio. */
class Tally {
  private readonly counts = new Map<number, number>();

  add(key: number, n = 1): void {
    this.counts.set(key, (this.counts.get(key) ?? 0) + n);
  }

  of(key: number): number {
    return this.counts.get(key) ?? 0;
  }
}

/**
 * What must hold of a machine in which no task is inside the kernel. Throws at the first contradiction.
 *
 * - a folio's references are those of the page cache, of the entries that map it, of pins and of writeback; a frame is
 *   allocated if and only if it has any, and is free exactly once;
 * - a frame's map count is the number of entries that name it; entries lie in mappings, inside the file, name what the
 *   mapping should show there, and let nobody write a page that counts as clean;
 * - the marks of the page cache say what the flags say;
 * - a file's mappings are those of the address spaces, with their extents;
 * - no folio is locked.
 *
 * @param pinned a frame per pin that is held
 */
export function checkInvariants(kernel: KernelCore, mms: readonly MmStruct[], pinned: Iterable<number> = []): void {
  const { memory } = kernel.mm;
  const { frames } = memory;
  const references = new Tally();
  const mapped = new Tally();
  const cached = new Map<number, string>();

  for (const inode of kernel.fs.inodes) checkPageCache(kernel, inode, references, cached);
  for (const mm of mms) {
    checkPageTable(kernel, mm, references, mapped);
    checkHugeEntries(kernel, mm, references);
  }
  for (const inode of kernel.fs.inodes) checkMappings(inode, mms);
  for (const frame of pinned) {
    const folio = frames.folioOf(frame);
    references.add(folio, frames.order(folio) === 0 ? GUP_PIN_COUNTING_BIAS : 1);
  }

  let free = 0;
  for (let frame = 1; frame < frames.count; frame++) {
    if (!frames.isAllocated(frame)) {
      free++;
      continue;
    }
    same(frames.mapcount[frame], mapped.of(frame), () => `map count of frame ${frame}`);
    if (frames.folioOf(frame) !== frame) continue;
    if (frames.has(frame, PG_WRITEBACK)) references.add(frame);
    // The huge zero folio is kept for the next mapping, and no entry counts.
    if (kernel.mm.isZero(frame)) references.add(frame);
    // memory_failure keeps what is broken.
    if (frames.has(frame, PG_HWPOISON)) references.add(frame);
    const name = (): string => `folio ${frame} (${cached.get(frame) ?? 'not cached'})`;
    same(frames.refcount[frame], references.of(frame), () => `references of ${name()}`);
    same(memory.isLocked(frame), false, () => `lock of ${name()}`);
  }
  same(memory.freeFrames, free, () => 'free frames');
}

function checkPageCache(kernel: KernelCore, inode: Inode, references: Tally, cached: Map<number, string>): void {
  const { memory } = kernel.mm;
  const { frames } = memory;
  const { pages } = inode.mapping;
  let count = 0;
  for (let index = pages.next(0, Infinity); index >= 0; index = pages.next(index + 1, Infinity)) {
    count++;
    const frame = pages.get(index);
    const folio = frames.folioOf(frame);
    const what = `page ${index} of ${inode.name}`;
    const place = frames.index[folio] + (frame - folio);
    same(kernel.mm.mappingOf(folio) === inode.mapping, true, () => `${what}: file of its folio`);
    same(place, index, () => `${what}: place of its frame`);
    references.add(folio);
    cached.set(folio, what);
    const first = index === frames.index[folio];
    const toBeWritten = first && frames.has(folio, PG_DIRTY) && inode.mapping.options.canWriteback;
    same(pages.hasMark(index, 'dirty'), toBeWritten, () => `${what}: dirty mark`);
    same(pages.hasMark(index, 'writeback'), first && frames.has(folio, PG_WRITEBACK), () => `${what}: writeback mark`);
  }
  same(pages.size, count, () => `pages of ${inode.name}`);
  same(pages.anyMarked('towrite'), false, () => `${inode.name} left to be written by nobody`);
}

function checkPageTable(kernel: KernelCore, mm: MmStruct, references: Tally, mapped: Tally): void {
  const { frames } = kernel.mm.memory;
  mm.pageTable.forEach(0, TASK_SIZE / PAGE_SIZE, (page, pte) => {
    if (!ptePresent(pte)) return;
    const frame = pteFrame(pte);
    const what = `entry of page ${page} of ${mm.name}`;
    const vma = mm.vmas.at(page * PAGE_SIZE);
    if (vma === null) throw new Error(`${what}: no mapping there`);
    if (frame === ZERO_FRAME) {
      same(pteWritable(pte), false, () => `${what}: writable zero page`);
      return;
    }
    same(frames.isAllocated(frame), true, () => `${what}: its frame is allocated`);
    references.add(frames.folioOf(frame));
    mapped.add(frame);
    if (vma.file !== null && vma.has(VM_SHARED)) checkSharedEntry(kernel, vma, page, pte, what);
  });
}

/** Huge entries: one reference each, for all of a folio. */
function checkHugeEntries(kernel: KernelCore, mm: MmStruct, references: Tally): void {
  const { frames } = kernel.mm.memory;
  const end = TASK_SIZE / PAGE_SIZE;
  for (let page = mm.pageTable.nextPopulated(0, end); page < end;) {
    const block = page - (page % PTRS_PER_PTE);
    const entry = mm.pageTable.huge(block);
    const folio = pteFrame(entry);
    if (ptePresent(entry) && !kernel.mm.isZero(folio)) {
      const what = `huge entry of page ${block} of ${mm.name}`;
      same(frames.pages(folio), PTRS_PER_PTE, () => `${what}: pages of its folio`);
      same(frames.entireMapcount(folio) > 0, true, () => `${what}: entire map count`);
      references.add(folio);
      const vma = mm.vmas.at(block * PAGE_SIZE);
      if (vma === null) throw new Error(`${what}: no mapping there`);
      if (vma.file !== null && vma.has(VM_SHARED)) checkSharedEntry(kernel, vma, block, entry, what);
    }
    page = mm.pageTable.nextPopulated(block + PTRS_PER_PTE, end);
  }
}

function checkSharedEntry(kernel: KernelCore, vma: Vma, page: number, pte: number, what: string): void {
  const mapping = vma.file?.mapping;
  const index = vma.pageIndex(page * PAGE_SIZE);
  same(pteFrame(pte), mapping?.pages.get(index), () => `${what}: frame of page ${index} of the file`);
  same(index < (mapping?.sizeInPages ?? 0), true, () => `${what}: inside the file`);
  const { frames } = kernel.mm.memory;
  const dirty = frames.has(frames.folioOf(pteFrame(pte)), PG_DIRTY);
  if (vma.needsDirtyTracking && !dirty) same(pteWritable(pte), false, () => `${what}: writable though clean`);
}

function checkMappings(inode: Inode, mms: readonly MmStruct[]): void {
  const shown: string[] = [];
  inode.mapping.iMmap.forEachOverlap(0, Number.MAX_SAFE_INTEGER, (vma, { start, last }) => {
    shown.push(`${vma.toString()} shows [${start}, ${last}]`);
  });
  const expected = mms
    .flatMap((mm) => [...mm.vmas])
    .filter((vma) => vma.file?.mapping === inode.mapping)
    .map((vma) => `${vma.toString()} shows [${vma.pgoff}, ${vma.pageIndex(vma.end) - 1}]`);
  expect(shown.sort()).toEqual(expected.sort());
}

/** An expect that costs nothing unless it fails: millions are asked. */
function same(actual: unknown, expected: unknown, what: () => string): void {
  if (actual !== expected) throw new Error(`${what()}: ${String(actual)}, should be ${String(expected)}`);
}
