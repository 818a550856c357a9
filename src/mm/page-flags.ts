/**
 * Flags of a folio, kept at its first frame; names and meanings are Linux's enum pageflags (include/linux/page-flags.h).
 */

/** Contents differ from what is on disk. */
export const PG_DIRTY = 1 << 0;
/** Under I/O to the disk. */
export const PG_WRITEBACK = 1 << 1;
/** Contents are valid. */
export const PG_UPTODATE = 1 << 2;
/** Used since reclaim looked last. */
export const PG_REFERENCED = 1 << 3;
/** The file system attached its own state: buffer heads, a reservation. */
export const PG_PRIVATE = 1 << 4;
/** Belongs to an anonymous mapping; `owner` is an anon_vma, not a file. */
export const PG_ANON = 1 << 5;
/** Anonymous and mapped by one process only: a write need not copy. Each page's own; of a huge entry, the first page's. */
export const PG_ANON_EXCLUSIVE = 1 << 6;
/** Not the first frame of its folio; `index` is the first one's number. */
export const PG_TAIL = 1 << 7;
/** On no free list. */
export const PG_ALLOCATED = 1 << 8;
/** Never freed: the zero page. */
export const PG_RESERVED = 1 << 9;
/** First frame of a free block; the order is the block's. */
export const PG_BUDDY = 1 << 10;

/** The page is broken (memory failure). Each page's own. */
export const PG_HWPOISON = 1 << 11;
/** Data could go away without being written: MADV_FREE clears it. Anonymous only. */
export const PG_SWAPBACKED = 1 << 12;
/** On an LRU list. New folios get there in batches. */
export const PG_LRU = 1 << 13;
/**
 * The next read of this page starts the next readahead; of a dirty page, or one under writeback: reclaim wants it as soon as
 * it has been written. Linux has one bit for PG_readahead and PG_reclaim, and faults take the one for the other.
 */
export const PG_READAHEAD = 1 << 19;

/** Merged by ksmd, or about to be: `owner` is a node of its stable tree. Anonymous too, and never exclusive. */
export const PG_KSM = 1 << 21;
/** A hugetlb folio. */
export const PG_HUGETLB = 1 << 17;

/** The order of a folio (log2 of its frames) lies above the flags. */
export const ORDER_SHIFT = 24;
export const ORDER_MASK = 0xf << ORDER_SHIFT;
/** Largest folio: 2^10 frames. */
export const MAX_ORDER = 10;
