import type { Simulation, TraceEvent } from '../engine/index.js';
import { bytes, fieldWords, folioWords, pageBytes } from './event-words.js';
import type { EventName } from './event-names.js';
import type { EventFacts } from './traced-event.js';
import { hex } from '../base/index.js';
import type { Recorder } from './recorder.js';
import { counted } from './trace-error.js';

/** What the streams of notifiers and devices tell better. */
const TOLD_ELSEWHERE = [
  'invalidate_start',
  'invalidate_start_refused',
  'invalidate_end',
  'arch_invalidate_secondary_tlbs',
  'mm_release',
  'device_fault',
];

/** The events of `simulation.trace`, in a trace's words. */
export class KernelEvents {
  constructor(
    private readonly recorder: Recorder,
    private readonly simulation: Simulation,
  ) {
    simulation.trace.attach({
      event: (_time, event) => {
        if (!TOLD_ELSEWHERE.includes(event.kind)) this.tell(event);
      },
    });
  }

  private tell(event: TraceEvent): void {
    switch (event.kind) {
      case 'interval_invalidate':
        this.callback(event);
        break;
      case 'mm_fault_start':
        this.fault('handle_mm_fault', event, '');
        break;
      case 'mm_fault':
        this.fault('handle_mm_fault returns', event, event.signal === null ? '' : ` ${String(event.signal)}`);
        break;
      case 'page_mkwrite':
        this.page('page_mkwrite', event);
        break;
      case 'folio_mkclean_start':
        this.folio('folio_mkclean', event, 'task');
        break;
      case 'folio_mkclean':
        this.folio('folio_mkclean returns', event, 'task', `${String(event.cleaned)} cleaned`);
        break;
      case 'folio_start_writeback':
      case 'folio_end_writeback':
        this.folio(event.kind, event, 'folio');
        break;
      case 'fsync_start':
        this.fsync('fsync', event, '');
        break;
      case 'fsync_end':
        this.fsync('fsync returns', event, `, ${counted(Number(event.folios), 'folio')} written`);
        break;
      default:
        this.other(event);
        break;
    }
  }

  private callback(event: TraceEvent): void {
    const { driver, start, end, mm } = event;
    const facts = this.place(mm, start, end);
    const details = (): string =>
      `"${String(driver)}" seq ${String(event.seq)} MMU_NOTIFY_${String(event.event)} ${facts.details()}`;
    const { latest } = this.recorder;
    // A RELEASE is announced to drivers only.
    const range = latest !== null && latest.announcing && event.event !== 'RELEASE' ? { range: latest } : {};
    this.recorder.add('invalidate', { ...facts, ...range, driver: String(driver), details });
  }

  private fault(name: EventName, { mm, address, write, unshare }: TraceEvent, result: string): void {
    const kind = unshare === true ? 'unshare' : write === true ? 'write' : 'read';
    const details = (): string => `${kind} ${hex(Number(address))}${result}`;
    this.recorder.add(name, {
      details,
      mm: this.recorder.mm(Number(mm)),
      ...pageBytes(Number(address)),
      key: this.mine(address),
    });
  }

  private page(name: EventName, { mm, address }: TraceEvent): void {
    const facts = { details: () => hex(Number(address)), mm: this.recorder.mm(Number(mm)) };
    this.recorder.add(name, { ...facts, ...pageBytes(Number(address)) });
  }

  /** @param whose whether it begins and ends in one task, or whoever ends it */
  private folio(name: EventName, event: TraceEvent, whose: 'task' | 'folio', result = ''): void {
    const words = folioWords(event);
    const details = (): string => (result === '' ? words : `${words}, ${result}`);
    const key = whose === 'task' ? this.mine(words) : words;
    this.recorder.add(name, { details, file: String(event.file), filePage: Number(event.file_page), key });
  }

  private fsync(name: EventName, { file }: TraceEvent, result: string): void {
    this.recorder.add(name, { details: () => `${String(file)}${result}`, file: String(file), key: this.mine(file) });
  }

  /** What has no place of its own here is told with all of its fields, and found by the addresses among them. */
  private other(event: TraceEvent): void {
    const { kind, mm, start, end } = event;
    const placed = mm !== undefined && typeof start === 'number' && typeof end === 'number';
    const details = (): string => fieldWords(event);
    this.recorder.add(kind, { ...(placed ? this.place(mm, start, end) : {}), ...namesOf(event), details });
  }

  private place(mm: unknown, start: unknown, end: unknown): EventFacts {
    const [first, last] = [Number(start), Number(end)];
    return { details: () => bytes(first, last), mm: this.recorder.mm(Number(mm)), start: first, end: last };
  }

  /** A key of the task that runs: what it begins, it ends. */
  private mine(what: unknown): string {
    return `task ${String(this.simulation.running)} ${String(what)}`;
  }
}

/** Whose event it is, where it says so. */
function namesOf({ nic, file, driver }: TraceEvent): Pick<EventFacts, 'device' | 'file' | 'driver'> {
  return {
    ...(typeof nic === 'string' ? { device: nic } : {}),
    ...(typeof file === 'string' ? { file } : {}),
    ...(typeof driver === 'string' ? { driver } : {}),
  };
}
