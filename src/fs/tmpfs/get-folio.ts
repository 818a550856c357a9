import { Errno, LEAF_SHIFT as HPAGE_ORDER } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import { PG_REFERENCED, PG_UPTODATE, VM_UFFD_MISSING, type Vma } from '../../mm/index.js';
import { RACED, lockFolioAt, tryAddFolio } from '../filemap.js';
import type { Inode } from '../inode.js';
import { wantsHugeFolio } from './huge-policy.js';
import { shmemSwapinFolio } from './swap.js';
import type { Tmpfs } from './tmpfs.js';

/**
 * What a folio is wanted for, Linux's enum sgp_type: to be read if it has data, to be mapped, to be overwritten, or to be
 * reserved. Only `cache` zeroes a fresh one; the others do so when it is used.
 */
export type SgpType = 'read' | 'cache' | 'write' | 'falloc';

/** The page is missing, and a userfaultfd is to be told of it. */
export const USERFAULT = -3;

/**
 * shmem_get_folio_gfp: the folio that holds a page of the file, locked and referenced; made if there is none, unless it is
 * only to be read.
 *
 * @param fault where it is to be mapped, if that is why it is wanted
 * @returns -1 for a hole that is to be read, and if memory has run out; USERFAULT for one that a userfaultfd watches
 */
export function* shmemGetFolio(
  fs: Tmpfs,
  inode: Inode,
  index: number,
  type: SgpType,
  fault?: { readonly vma: Vma; readonly address: number },
): Task<number> {
  const { memory } = fs.system;
  for (;;) {
    let folio = yield* lockFolioAt(inode, index);
    if (folio < 0) {
      const isSwapped = fs.swapped(inode).any(index, index + 1);
      if (type === 'read' && !isSwapped) return -1;
      if (!isSwapped && fault?.vma.has(VM_UFFD_MISSING) === true) return USERFAULT;
      folio = isSwapped ? yield* shmemSwapinFolio(fs, inode, index) : yield* allocateAndAdd(fs, inode, index, fault);
      if (folio === RACED) continue;
      if (folio < 0) return -1;
    }
    if (type === 'read' && !memory.frames.has(folio, PG_UPTODATE)) {
      // Reserved, never written: as good as a hole.
      memory.unlockFolio(folio);
      memory.put(folio);
      return -1;
    }
    memory.frames.set(folio, PG_REFERENCED);
    if (type === 'cache' && !memory.frames.has(folio, PG_UPTODATE)) yield* fs.readFolios(inode, [folio]);
    return folio;
  }
}

/** shmem_alloc_and_add_folio: 2 MiB if the policy and the file's other folios allow it, a page otherwise. */
function* allocateAndAdd(
  fs: Tmpfs,
  inode: Inode,
  index: number,
  fault: { readonly vma: Vma; readonly address: number } | undefined,
): Task<number> {
  const { system } = fs;
  const { memory } = system;
  if (fault !== undefined && wantsHugeFolio(fs.hugePolicy(), fault)) {
    const start = index - (index % (1 << HPAGE_ORDER));
    const end = start + (1 << HPAGE_ORDER);
    if (inode.mapping.pages.next(start, end) < 0 && !fs.swapped(inode).any(start, end)) {
      const folio = memory.allocate(HPAGE_ORDER, fs.policy(inode).nodeOf(start));
      if (folio >= 0) {
        if (tryAddFolio(inode, folio, start)) return folio;
        memory.put(folio);
      }
    }
  }
  const folio = yield* system.allocate(0, fs.policy(inode).nodeOf(index));
  if (folio < 0) return -1;
  if (tryAddFolio(inode, folio, index)) return folio;
  memory.put(folio);
  return RACED;
}

/**
 * shmem_mfill_atomic_pte: a zeroed page of the file for a userfaultfd, in the cache, locked and with one reference.
 * @throws Errno EFAULT behind the end of the file; EEXIST if it has the page; ENOMEM
 */
export function* shmemNewZeroFolio(fs: Tmpfs, inode: Inode, index: number): Task<number> {
  const { memory } = fs.system;
  const of = `page ${String(index)} of ${inode.name}`;
  const folio = yield* fs.system.allocate(0);
  if (folio < 0) throw new Errno('ENOMEM', of);
  const isBehind = index >= inode.mapping.sizeInPages;
  if (isBehind || fs.swapped(inode).any(index, index + 1) || !tryAddFolio(inode, folio, index)) {
    memory.put(folio);
    throw new Errno(isBehind ? 'EFAULT' : 'EEXIST', of);
  }
  yield* fs.readFolios(inode, [folio]);
  fs.system.markDirty(folio);
  return folio;
}
