/**
 * Floor 0. What every floor uses and none owns: error numbers, page arithmetic, interval trees.
 *
 * Pure data and functions. Nothing here knows of time, tasks, memory or devices.
 */
export { ERRNO, Errno, isErrno, type ErrnoCode } from './errno.js';
export { IntervalTree, type TreeInterval } from './interval-tree.js';
export { UNWRITTEN, PageContents } from './page-contents.js';
export { StampRuns } from './stamp-runs.js';
export * from './page.js';
