import type { RecordedEvent, RecordedRange } from './recorded.js';

/**
 * Events in the short form of by-operation.txt:
 *
 *     <CLEAR[3,4) … >            an invalidation starts and ends; NONBLOCK if it may not block
 *     cb  u[3,4)                 the device's callback, and what it unmaps
 *     F[3,4)=1  R[3,4)=1         the device faults a page in, for writing or reading
 *     w3  r3  w3@k  mk3          a page fault for writing or reading, by the device's or the kernel's worker; page_mkwrite
 *     clean#3(2)                 folio_mkclean of the folio at page 3 of the file, 2 entries
 *     t[3,4)                     the CPU's TLB is flushed
 *     snap[0,16)=16  pin[0,4)=4  a snapshot at registration; pages pinned
 *
 * Pages are those of the area that the program named first; another's name is put in front.
 */
export function summarizeEvents(events: readonly RecordedEvent[], firstArea: string | undefined): string {
  const words = events.map((event) => {
    if (event.kind === 'invalidate_end') return '>';
    if (event.kind === 'nic_callback') return event.ret === false ? 'cb=false' : 'cb';
    return describeEvent(event, firstArea);
  });
  return words.join(' ').replaceAll(' >', '>');
}

/** One event, as in `summarizeEvents`, but by itself: with the range of its end or its callback. */
export function describeEvent(event: RecordedEvent, firstArea: string | undefined): string {
  const where = event.map === undefined || event.map === firstArea ? '' : `${event.map}:`;
  const range = `${where}${describeRange(event.range)}`;
  const worker =
    event.by === undefined || event.kind !== 'mm_fault' ? '' : WORKERS.has(event.by) ? '@k' : `@${event.by}`;
  return `${describeKind(event, where, range)}${worker}`;
}

/** Threads of the kernel. */
const WORKERS: ReadonlySet<string> = new Set(['nic', 'flusher']);

function describeKind(event: RecordedEvent, where: string, range: string): string {
  switch (event.kind) {
    case 'invalidate_start':
      return `<${event.event ?? ''}${range}${event.blockable === false ? ' NONBLOCK' : ''}`;
    case 'invalidate_end':
      return `>${event.event ?? ''}${range}`;
    case 'invalidate_start_refused':
      return `invalidate_start_refused=${String(event.ret)}`;
    case 'nic_callback':
      return `cb:${event.event ?? ''}${range}${event.ret === false ? '=false' : ''}`;
    case 'nic_unmap':
      return `u${range}`;
    case 'odp_fault':
      return `${event.write === true ? 'F' : 'R'}${range}=${String(event.ret)}`;
    case 'odp_snapshot':
      return `snap${range}=${String(event.ret)}`;
    case 'mm_fault': {
      const access = event.write === true ? 'w' : event.unshare === true ? 'unshare' : 'r';
      const error = event.error === undefined ? '' : `(${event.error})`;
      return `${access}${where}${String(event.page)}${error}`;
    }
    case 'page_mkwrite':
      return `mk${where}${String(event.page)}`;
    case 'folio_mkclean':
      return `clean#${String(event.file_page)}(${String(event.cleaned)})`;
    case 'arch_invalidate_secondary_tlbs':
      return `t${range}`;
    case 'pin_user_pages':
      return `pin${range}=${String(event.ret)}`;
    default:
      return event.range === undefined ? event.kind : `${event.kind}${range}`;
  }
}

function describeRange(range: RecordedRange | undefined): string {
  if (range === undefined) return '';
  return range === 'all' ? '[all)' : `[${String(range[0])},${String(range[1])})`;
}
