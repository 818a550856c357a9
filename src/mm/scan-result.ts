import type { ErrnoCode } from '../base/index.js';

/** enum scan_result (mm/khugepaged.c): how the collapse of a 2 MiB block went. */
export type ScanResult =
  | 'succeed'
  /** A huge entry maps the block already. */
  | 'pmd mapped'
  /** The file has a folio of 2 MiB here, which small entries may map. */
  | 'pte mapped hugepage'
  | 'no pte table'
  | 'exceed none pte'
  | 'pte non present'
  | 'pte uffd wp'
  /** Somebody refers to a page, by a pin for one. */
  | 'page count'
  | 'page lock'
  | 'page null'
  | 'page compound'
  /** A page was put where there was none. */
  | 'page filled'
  /** The file has no page here any more. */
  | 'truncated'
  | 'alloc huge page fail'
  | 'fail';

/** Failures of one block behind which madvise_collapse tries the next one. */
const PASSING: ReadonlySet<ScanResult> = new Set<ScanResult>([
  'no pte table',
  'pte non present',
  'pte uffd wp',
  'page count',
  'page lock',
  'page null',
  'page compound',
]);

export function mayContinueBehind(failure: ScanResult): boolean {
  return PASSING.has(failure);
}

/** madvise_collapse_errno: whether it is worth trying again. */
export function collapseErrno(failure: ScanResult): ErrnoCode {
  switch (failure) {
    case 'alloc huge page fail':
      return 'ENOMEM';
    case 'exceed none pte':
      return 'EBUSY';
    case 'page count':
    case 'page lock':
    case 'page filled':
      return 'EAGAIN';
    default:
      return 'EINVAL';
  }
}
