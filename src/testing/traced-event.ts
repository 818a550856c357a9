import type { MmuNotifierEvent, InvalidateRange, MmRef } from '../../notifiers/index.js';
import type { EventName } from './event-names.js';
import type { Recorder } from './recorder.js';

/** What is known of an event besides its time and name. */
export interface EventFacts {
  /** What its line says behind the name; made when somebody reads it. */
  readonly details: () => string;
  readonly mm?: MmRef;
  /** Bytes [start, end) of the address space that it is about; absent: all of it. */
  readonly start?: number;
  readonly end?: number;
  readonly file?: string;
  /** The folio's first page in the file; absent: the file as a whole. */
  readonly filePage?: number;
  readonly device?: string;
  readonly driver?: string;
  readonly range?: InvalidateRange;
  /** Ties the event with which a span ends to the one with which it began. */
  readonly key?: unknown;
}

/** Something that happened, in a trace. */
export class TracedEvent {
  /** @internal */
  readonly #recorder: Recorder;
  readonly #facts: EventFacts;

  /** @internal made by the recorder */
  constructor(
    recorder: Recorder,
    /** Its place in the trace, from 0 on: of two events of one instant the lower came first. */
    readonly seq: number,
    /** Virtual time in ns. */
    readonly time: number,
    readonly name: EventName,
    facts: EventFacts,
  ) {
    this.#recorder = recorder;
    this.#facts = facts;
  }

  /** What its line says behind the name. */
  get details(): string {
    return this.#facts.details();
  }

  /** The address space that it is about. */
  get mm(): MmRef | null {
    const { mm } = this.#facts;
    // By its number: the first events of a trace know no more.
    return mm === undefined ? null : this.#recorder.mm(mm.id);
  }

  /** First byte that it is about; 0 if it is about none in particular. */
  get start(): number {
    return this.#facts.start ?? 0;
  }

  /** First byte behind what it is about; Infinity if it is about no bytes in particular. */
  get end(): number {
    return this.#facts.end ?? Infinity;
  }

  /** The file that it is about. */
  get file(): string | null {
    return this.#facts.file ?? null;
  }

  get filePage(): number | null {
    return this.#facts.filePage ?? null;
  }

  /** The device that did it. */
  get device(): string | null {
    return this.#facts.device ?? null;
  }

  /** The driver that did it, or was called. */
  get driver(): string | null {
    return this.#facts.driver ?? null;
  }

  /** What the invalidation is for, if it belongs to one. */
  get event(): MmuNotifierEvent | null {
    return this.#facts.range?.event ?? null;
  }

  /** The invalidation that it belongs to. */
  get range(): InvalidateRange | null {
    return this.#facts.range ?? null;
  }

  /** @internal */
  get key(): unknown {
    return this.#facts.key;
  }

  /** @internal */
  get recorder(): Recorder {
    return this.#recorder;
  }

  /** Without its time. */
  get words(): string {
    const words = this.details === '' ? this.name : `${this.name} ${this.details}`;
    return this.mm === null ? words : `${words} (${this.mm.name})`;
  }

  toString(): string {
    return this.line();
  }

  /** @internal @param width of its time: at least so many characters */
  line(width = 0): string {
    return `${timeOf(this.time).padEnd(width)}  ${this.words}`;
  }
}

/** A virtual time to the nanosecond: `1210.345 us`. */
export function timeOf(ns: number): string {
  return `${(ns / 1000).toFixed(3)} us`;
}
