import { PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { unmapMappingRange } from '../mm/index.js';
import type { Inode } from './inode.js';
import { truncateInodePages } from './truncate.js';

/**
 * truncate_pagecache_range: unmaps the whole pages of bytes [start, end) and drops the range; private copies stay. What
 * of a page at an edge lies in the range becomes zeros.
 */
export function* truncatePagecacheRange(inode: Inode, start: number, end: number): Task {
  const first = Math.ceil(start / PAGE_SIZE);
  const last = Math.floor(end / PAGE_SIZE);
  if (last > first) yield* unmapMappingRange(inode.mapping, first, last, false);
  yield* truncateInodePages(inode, start, end);
}
