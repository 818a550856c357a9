import type { ObservedDevice } from '../../devices/contract/index.js';
import type { InvalidateRange, MmRef } from '../../notifiers/index.js';
import { PAGE_SIZE } from '../base/index.js';
import { SharedState } from '../engine/index.js';
import { MmStruct, type EntryChange, type MmSystem } from '../mm/index.js';
import { DeviceRecorder } from './device-recorder.js';
import { ACCESSES, type EventName } from './event-names.js';
import { bytes, entryWords, pfn, rangeWords } from './event-words.js';
import { FilePlaces } from './file-places.js';
import { KernelEvents } from './kernel-events.js';
import { TracedEvent, type EventFacts } from './traced-event.js';

/** A driver keeps a range waiting. Each hold is one by itself: two ranges of one instant may be of the same bytes. */
interface Hold {
  readonly driver: string;
}

/**
 * Writes down what happens on one machine, from the moment it is made. It looks and does nothing: under a schedule, a
 * run with it takes the same course as without.
 */
export class Recorder {
  readonly devices: DeviceRecorder[] = [];
  readonly places: FilePlaces;
  /** Virtual time in ns at which it began. */
  readonly began: number;
  /** The invalidation that was announced last. */
  latest: InvalidateRange | null = null;
  private readonly recorded: TracedEvent[] = [];
  /**
   * What a test asks of a trace is in which order things happened, so to a search over schedules no two steps that are
   * recorded may change places; nor may a task that looks at the trace with one that is recorded.
   */
  private readonly order: SharedState;
  private listeners: readonly ((event: TracedEvent) => void)[] = [];
  private readonly mms = new Map<number, MmRef>();
  /** By the place of an event: accesses that were in flight then, by their places. */
  private readonly inFlight = new Map<number, readonly number[]>();

  constructor(readonly system: MmSystem) {
    this.began = system.simulation.now;
    this.order = new SharedState(system.simulation);
    this.places = new FilePlaces(system);
    const { hub, simulation, dirtying$, entryChanges$ } = system;
    new KernelEvents(this, simulation);
    hub.start$.subscribe((range) => {
      this.started(range);
    });
    hub.refused$.subscribe((range) => {
      this.ofRange(`${startOf(range)} returns`, range, '-EAGAIN ');
    });
    hub.end$.subscribe((range) => {
      this.ofRange('mmu_notifier_invalidate_range_end', range);
    });
    hub.secondaryTlbs$.subscribe(({ mm, start, end }) => {
      this.add('mmu_notifier_arch_invalidate_secondary_tlbs', { details: () => bytes(start, end), mm, start, end });
    });
    hub.young$.subscribe(({ kind, mm, start, end }) => {
      this.add(`mmu_notifier_${kind}`, { details: () => bytes(start, end), mm, start, end });
    });
    hub.release$.subscribe((mm) => {
      this.add('mmu_notifier_release', { details: () => '', mm, key: mm });
    });
    hub.released$.subscribe((mm) => {
      this.add('mmu_notifier_release returns', { details: () => '', mm, key: mm });
    });
    dirtying$.subscribe((folio) => {
      const place = this.places.ofFolio(folio);
      if (place === null) this.add('folio_mark_dirty', { details: () => pfn(folio) });
      else
        this.add('folio_mark_dirty', {
          ...place,
          details: () => `${place.file} page ${String(place.filePage)} ${pfn(folio)}`,
        });
    });
    entryChanges$.subscribe((change) => {
      this.entryChanged(change);
    });
  }

  /** What has happened so far. */
  get events(): readonly TracedEvent[] {
    this.order.read();
    return this.recorded;
  }

  watch(device: ObservedDevice): void {
    this.devices.push(new DeviceRecorder(this, device));
  }

  add(name: EventName, facts: EventFacts): void {
    this.order.write();
    this.learn(facts.mm);
    const seq = this.recorded.length;
    const event = new TracedEvent(this, seq, this.system.simulation.now, name, facts);
    this.recorded.push(event);
    const flying = isAccess(name) ? [] : this.devices.flatMap((device) => device.inFlight());
    if (flying.length > 0) this.inFlight.set(seq, flying);
    for (const listener of this.listeners) listener(event);
  }

  /** Calls `listener` with every event from here on. @returns what ends that */
  onEvent(listener: (event: TracedEvent) => void): () => void {
    this.order.read();
    this.listeners = [...this.listeners, listener];
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener);
    };
  }

  /**
   * Accesses that had been issued when an event happened, and had not reached memory. While one is being issued the device is
   * not to be asked: what was in flight before is then taken to be so still, up to the next event of another kind.
   */
  inFlightAt(event: TracedEvent): readonly TracedEvent[] {
    const { events } = this;
    let looked = event.seq;
    const since: TracedEvent[] = [];
    while (looked > 0 && isAccess(events[looked].name)) {
      looked--;
      if (isAccess(events[looked].name)) since.push(events[looked]);
    }
    const before = (this.inFlight.get(looked) ?? []).map((seq) => events[seq]);
    return [...before, ...since.reverse()];
  }

  /** An address space by its number; one of which only the number is known goes by that. */
  mm(id: number): MmRef {
    return this.mms.get(id) ?? { id, name: `mm ${String(id)}` };
  }

  /** An address space that is only a number is better than none. */
  private learn(mm: MmRef | undefined): void {
    if (mm !== undefined && !(this.mms.get(mm.id) instanceof MmStruct)) this.mms.set(mm.id, mm);
  }

  private started(range: InvalidateRange): void {
    this.latest = range;
    this.ofRange(startOf(range), range);
    const holds: Hold[] = [];
    const release = (owner: string): void => {
      const at = holds.findIndex(({ driver }) => driver === owner);
      if (at < 0) return;
      const [hold] = holds.splice(at, 1);
      this.ofDriver('hold released', range, hold);
    };
    range.onHeld((driver) => {
      const hold = { driver };
      holds.push(hold);
      this.ofDriver('hold', range, hold);
    });
    range.onReleased(release);
    range.onQuiesced(() => {
      for (const { driver } of [...holds]) release(driver);
      this.ofRange(`${startOf(range)} returns`, range, range.blockable ? '' : '0 ');
    });
  }

  private ofRange(name: EventName, range: InvalidateRange, answer = ''): void {
    const { mm, start, end } = range;
    this.add(name, { details: () => `${answer}${rangeWords(range)}`, mm, start, end, range, key: range });
  }

  private ofDriver(name: EventName, range: InvalidateRange, hold: Hold): void {
    const { mm, start, end } = range;
    const { driver } = hold;
    const details = (): string => `"${driver}" ${rangeWords(range)}`;
    this.add(name, { details, mm, start, end, range, driver, key: hold });
  }

  private entryChanged(change: EntryChange): void {
    const { mm, page, pages, was, now } = change;
    // It was set anew to what it was.
    if (was === now) return;
    this.places.changed(change);
    const start = page * PAGE_SIZE;
    const details = (): string => entryWords(change);
    this.add(pages > 1 ? 'pmd' : 'pte', { details, mm, start, end: start + pages * PAGE_SIZE });
  }
}

/** The function that announced it. */
function startOf({ blockable }: InvalidateRange): EventName {
  return `mmu_notifier_invalidate_range_start${blockable ? '' : '_nonblock'}`;
}

function isAccess(name: EventName): boolean {
  return ACCESSES.includes(name);
}
