/**
 * Floor 0. What every floor uses and none owns: error numbers, page arithmetic, interval trees.
 *
 * Pure data and functions. Nothing here knows of time, tasks, memory or devices.
 */
export { comparePages, hashPage } from './compare-pages.js';
export { ERRNO, Errno, isErrno, type ErrnoCode } from './errno.js';
export { IntervalTree, type TreeInterval } from './interval-tree.js';
export { UNWRITTEN, PageContents, type LatentWrites } from './page-contents.js';
export { ReferencedContents, WriteSources } from './referenced-contents.js';
export { StampRuns } from './stamp-runs.js';
export * from './page.js';
export { SparseInt32 } from './sparse-int32.js';
