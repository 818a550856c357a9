import { PAGE_SIZE } from '../../src/base/index.js';
import type { Simulation, TraceEvent } from '../../src/engine/index.js';

/**
 * What the kernel did, in the words in which the recordings of a real kernel are summed up:
 *
 *     <CLEAR[4,8) t[4,8)>   start, secondary TLB call, end; in pages from `base` on, `all` for the whole address space
 *     r3 w3 u3              a fault for reading, writing, unsharing; w3(SIGBUS) if it failed
 *     mk3                   page_mkwrite
 *     clean#3(2)            folio_mkclean of the folio at page 3 of the file, which cleaned 2 entries
 *     wb#3 done#3           folio_start_writeback, folio_end_writeback
 *     fsync fsynced(2)      fsync began; returned, having written 2 folios
 *
 * Other events appear by their name. Faults and cleanings are noted when they are done: behind what they caused.
 */
export class EventLog {
  private words: string[] = [];

  constructor(
    simulation: Simulation,
    private readonly base: number,
  ) {
    simulation.trace.attach({
      event: (_time, event) => {
        if (!isSilent(event)) this.words.push(this.word(event));
      },
    });
  }

  /** Everything since the last time, in one line. */
  take(): string {
    const line = this.words.join(' ').replaceAll(' >', '>');
    this.words = [];
    return line;
  }

  /** As `take`, but only the words that match. */
  takeOnly(pattern: RegExp): string {
    this.words = this.words.filter((word) => pattern.test(word));
    return this.take();
  }

  private word(event: TraceEvent): string {
    switch (event.kind) {
      case 'invalidate_start':
        return `<${String(event.event)}${this.range(event)}`;
      case 'invalidate_end':
        return '>';
      case 'arch_invalidate_secondary_tlbs':
        return `t${this.range(event)}`;
      case 'mm_fault': {
        const kind = event.unshare === true ? 'u' : event.write === true ? 'w' : 'r';
        return `${kind}${this.page(event.address)}${event.signal === null ? '' : `(${String(event.signal)})`}`;
      }
      case 'page_mkwrite':
        return `mk${this.page(event.address)}`;
      case 'folio_mkclean':
        return `clean#${String(event.file_page)}(${String(event.cleaned)})`;
      case 'folio_start_writeback':
        return `wb#${String(event.file_page)}`;
      case 'folio_end_writeback':
        return `done#${String(event.file_page)}`;
      case 'fsync_start':
        return 'fsync';
      case 'fsync_end':
        return `fsynced(${String(event.folios)})`;
      default:
        return event.kind;
    }
  }

  private range({ start, end }: TraceEvent): string {
    if (Number(end) > 2 ** 52) return '[all)';
    return `[${this.page(start)},${this.page(end)})`;
  }

  private page(address: unknown): string {
    return String((Number(address) - this.base) / PAGE_SIZE);
  }
}

/** What has only begun, and a cleaning that found nothing to clean. */
function isSilent({ kind, cleaned }: TraceEvent): boolean {
  return kind === 'mm_fault_start' || kind === 'folio_mkclean_start' || (kind === 'folio_mkclean' && cleaned === 0);
}
