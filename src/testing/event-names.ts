/**
 * What a trace has events of: functions of Linux, where there are such, and what only an emulator sees. An event is named
 * as its line in the trace begins.
 *
 * What else `simulation.trace` tells appears under its own name.
 */
export const EVENT_NAMES = [
  'mmu_notifier_invalidate_range_start',
  /** Everybody has let go: the kernel changes entries from here on. */
  'mmu_notifier_invalidate_range_start returns',
  'mmu_notifier_invalidate_range_start_nonblock',
  /** 0, or -EAGAIN: somebody refused, and no end follows. */
  'mmu_notifier_invalidate_range_start_nonblock returns',
  'mmu_notifier_invalidate_range_end',
  'mmu_notifier_arch_invalidate_secondary_tlbs',
  'mmu_notifier_clear_flush_young',
  'mmu_notifier_clear_young',
  'mmu_notifier_test_young',
  'mmu_notifier_release',
  'mmu_notifier_release returns',
  /** The callback of an interval notifier. */
  'invalidate',
  /** A driver keeps a range waiting; and does not any more. */
  'hold',
  'hold released',
  /** An entry of a page table is another now; of a pmd, if it is huge. */
  'pte',
  'pmd',
  'handle_mm_fault',
  'handle_mm_fault returns',
  'page_mkwrite',
  'folio_mark_dirty',
  'folio_mkclean',
  'folio_mkclean returns',
  'folio_start_writeback',
  'folio_end_writeback',
  'fsync',
  'fsync returns',
  'pin_user_pages',
  /** An access is issued: from here on it happens. */
  'device_read',
  'device_write',
  /** The device has a translation of a page; and has it no more. */
  'device_map',
  'device_unmap',
  /** The device asks its driver for pages; and is answered. */
  'device_fault',
  'device_fault ends',
  /** The driver sent a command for a key that it had destroyed. */
  'device_dead_key',
  /** A NIC's: ibv_post_send, its completion, and a receiver that is not ready. */
  'post_send',
  'send_completion',
  'rnr_nak',
] as const;

/** Names of accesses of devices. */
export const ACCESSES: readonly EventName[] = ['device_read', 'device_write'];

/** The name of an event that the kit writes down by itself. */
export type KnownEventName = (typeof EVENT_NAMES)[number];

/** Those of the kit, and whatever else is traced. A name that is neither known nor in the trace is an error. */
export type EventName = KnownEventName | (string & Record<never, never>);
