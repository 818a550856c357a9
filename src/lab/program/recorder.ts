import { PAGE_SIZE } from '../../base/index.js';
import { SimulationError, type Simulation, type TraceEvent, type TraceSink } from '../../engine/index.js';
import type { Areas } from './areas.js';
import type { RecordedEvent } from './recorded.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Mutable<RecordedEvent>;

/**
 * Turns the simulation's trace into recorded events: of one mm, in pages of the areas, each at the moment at which it
 * began.
 *
 * As with the probes in a real kernel, there are no notifications before somebody has subscribed.
 */
export class Recorder implements TraceSink {
  /** Who acts now, if not the main process. */
  actor: string | undefined;
  /** True if a child closes the device: what it unmaps then is not recorded. */
  closedByChild = false;
  /** Name of the driver whose callbacks are recorded. */
  driver = 'rxe';
  /** True once a notifier has been registered. */
  subscribed = false;

  private events: Draft[] = [];
  /** Events that have begun and not ended, innermost last, by task. */
  private readonly open = new Map<number, (Draft | null)[]>();
  private readonly translate: Readonly<Record<string, (event: TraceEvent) => void>>;

  constructor(
    private readonly simulation: Simulation,
    private readonly areas: Areas,
    private readonly mm: number,
  ) {
    this.translate = {
      invalidate_start: (event) => {
        this.invalidation(event);
      },
      invalidate_end: (event) => {
        this.invalidation(event);
      },
      invalidate_start_refused: () => {
        this.notification({ kind: 'invalidate_start_refused', ret: -11 });
      },
      interval_invalidate: (event) => {
        if (event.driver !== this.driver) return;
        const range = this.range(event);
        if (range === null) return;
        const refused = event.blockable === false ? { ret: false } : {};
        this.notification({ kind: 'nic_callback', event: String(event.event), ...range, ...refused });
      },
      arch_invalidate_secondary_tlbs: (event) => {
        this.flush(event);
      },
      nic_unmap: (event) => {
        if (!this.closedByChild) this.ranged(event);
      },
      mr_registered: (event) => {
        this.subscribed = true;
        this.ranged(event);
      },
      mr_removed: () => {
        this.notification({ kind: 'mr_removed' });
      },
      mm_release: () => {
        this.notification({ kind: 'mm_release' });
      },
      pin_user_pages: (event) => {
        const range = this.range(event);
        if (range !== null) this.add({ kind: event.kind, ...range, ret: Number(event.pinned) });
      },
      odp_fault_start: (event) => {
        this.begin({ kind: 'odp_fault', ...this.range(event), write: event.write === true }, true);
      },
      odp_fault: (event) => {
        const draft = this.end();
        if (draft === null) return;
        if (Number(event.retries) > 0) draft.retries = Number(event.retries);
        draft.ret = Number(event.ret);
      },
      odp_snapshot_start: (event) => {
        this.begin({ kind: 'odp_snapshot', ...this.range(event) }, true);
      },
      odp_snapshot: (event) => {
        const draft = this.end();
        if (draft !== null) draft.ret = Number(event.ret);
      },
      mm_fault_start: (event) => {
        const unshare = event.unshare === true ? { unshare: true } : {};
        this.begin({ kind: 'mm_fault', ...this.page(event), write: event.write === true, ...unshare }, true);
      },
      mm_fault: (event) => {
        const draft = this.end();
        if (draft === null) return;
        if (event.signal === 'retry') this.events.splice(this.events.indexOf(draft), 1);
        else if (typeof event.signal === 'string') draft.error = event.signal;
      },
      page_mkwrite: (event) => {
        this.add({ kind: event.kind, ...this.page(event) });
      },
      folio_mkclean_start: (event) => {
        this.begin({ kind: 'folio_mkclean', file_page: Number(event.file_page) }, false);
      },
      folio_mkclean: (event) => {
        const draft = this.end();
        if (draft === null) return;
        if (event.cleaned === 0) this.events.splice(this.events.indexOf(draft), 1);
        else draft.cleaned = Number(event.cleaned);
      },
    };
  }

  event(_time: number, event: TraceEvent): void {
    if (event.mm !== undefined && event.mm !== this.mm) {
      if (event.kind.endsWith('_start') && event.kind !== 'invalidate_start') this.stack().push(null);
      else if (ENDS.has(event.kind)) this.stack().pop();
      return;
    }
    if (Object.hasOwn(this.translate, event.kind)) this.translate[event.kind](event);
  }

  /** An event that no trace tells of. */
  note(kind: string): void {
    this.notification({ kind });
  }

  /** What has been recorded since the last call. */
  take(): RecordedEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }

  private invalidation(event: TraceEvent): void {
    const range = this.range(event);
    if (range === null) return;
    const blockable = event.blockable === false ? { blockable: false } : {};
    this.notification({ kind: event.kind, event: String(event.event), ...range, ...blockable });
  }

  private ranged(event: TraceEvent): void {
    const range = this.range(event);
    if (range !== null) this.notification({ kind: event.kind, ...range });
  }

  /** Flushes of ranges that follow each other, with nothing in between, are one. */
  private flush(event: TraceEvent): void {
    const range = this.range(event);
    if (range === null) return;
    const last = this.events.at(-1);
    if (last?.kind === event.kind && last.map === range.map && last.range !== 'all' && range.range !== 'all') {
      if (last.range?.[1] === range.range[0]) {
        last.range = [last.range[0], range.range[1]];
        return;
      }
    }
    this.notification({ kind: event.kind, ...range });
  }

  private notification(event: RecordedEvent): void {
    if (this.subscribed) this.add(event);
  }

  private add(event: RecordedEvent): Draft {
    if (this.events.length >= MOST_EVENTS) throw new SimulationError('an op goes on and on: it has no end in sight');
    const by = this.by();
    const draft = by === undefined ? { ...event } : { ...event, by };
    this.events.push(draft);
    return draft;
  }

  /** @param inArea the event is dropped if it is not in an area */
  private begin(event: RecordedEvent, inArea: boolean): void {
    this.stack().push(inArea && event.map === undefined ? null : this.add(event));
  }

  private end(): Draft | null {
    return this.stack().pop() ?? null;
  }

  private stack(): (Draft | null)[] {
    const { running } = this.simulation;
    let stack = this.open.get(running);
    if (stack === undefined) {
      stack = [];
      this.open.set(running, stack);
    }
    return stack;
  }

  private by(): string | undefined {
    const name = this.simulation.taskName(this.simulation.running);
    return name === PROGRAM_TASK ? this.actor : name;
  }

  private range({ start, end }: TraceEvent): ReturnType<Areas['describe']> {
    return this.areas.describe(Number(start), Number(end));
  }

  private page({ address }: TraceEvent): { readonly map?: string; readonly page?: number } {
    const area = this.areas.at(Number(address));
    if (area === undefined) return {};
    return { map: area.name, page: Math.floor((Number(address) - area.start) / PAGE_SIZE) };
  }
}

/** Name of the task that runs the program's ops. */
export const PROGRAM_TASK = 'program';

/** Far more events than any op causes that ends. */
const MOST_EVENTS = 500_000;

/** Kinds that end what their namesake with _start began. */
const ENDS: ReadonlySet<string> = new Set(['odp_fault', 'odp_snapshot', 'mm_fault']);
