/** What an invalidation is for: Linux's enum mmu_notifier_event, in its order and without its prefix MMU_NOTIFY_. */
export const MMU_NOTIFIER_EVENTS = [
  /** munmap, exit, the source of mremap */
  'UNMAP',
  /** entries cleared or a page replaced for any other reason */
  'CLEAR',
  /** a protection change that is uniform over the range: mprotect and its family */
  'PROTECTION_VMA',
  /** a protection change page by page: writeback, fork */
  'PROTECTION_PAGE',
  /** soft-dirty bits reset; same pages, same rights */
  'SOFT_DIRTY',
  /** the mm goes away; delivered to interval notifiers only */
  'RELEASE',
  /** migration to or from device-private memory */
  'MIGRATE',
  /** a page becomes exclusive to a device */
  'EXCLUSIVE',
] as const;

/** One of MMU_NOTIFIER_EVENTS. */
export type MmuNotifierEvent = (typeof MMU_NOTIFIER_EVENTS)[number];

/** Stands for ULONG_MAX as the end of the whole address space: the largest address a JS number holds exactly. */
export const ULONG_MAX = Number.MAX_SAFE_INTEGER;
