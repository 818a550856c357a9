import type { InvalidateRange } from '../../notifiers/index.js';
import { TraceError } from './trace-error.js';
import type { TracedEvent } from './traced-event.js';

/** Something that began and ended, or has not yet. */
export class Span {
  readonly #ended: TracedEvent | null;

  /** @internal */
  constructor(
    /** For messages. */
    readonly name: string,
    readonly start: TracedEvent,
    ended: TracedEvent | null,
  ) {
    this.#ended = ended;
  }

  get hasEnded(): boolean {
    return this.#ended !== null;
  }

  /** @throws TraceError if it has not ended */
  get end(): TracedEvent {
    if (this.#ended === null) throw new TraceError(`${this.toString()} has no end in this trace`);
    return this.#ended;
  }

  /** Virtual ns from start to end. */
  get duration(): number {
    return this.end.time - this.start.time;
  }

  toString(): string {
    return `${this.name} ${this.start.details}`;
  }
}

/** One invalidation: from mmu_notifier_invalidate_range_start to mmu_notifier_invalidate_range_end. */
export class NotifierSpan extends Span {
  readonly #returned: TracedEvent | null;

  /** @internal */
  constructor(
    readonly range: InvalidateRange,
    start: TracedEvent,
    returned: TracedEvent | null,
    ended: TracedEvent | null,
    /** What drivers held of it, in the order in which they took it. */
    readonly holds: readonly Span[],
  ) {
    super('invalidation', start, ended);
    this.#returned = returned;
  }

  /** True if a driver answered -EAGAIN: there is no end. */
  get refused(): boolean {
    return this.range.refused;
  }

  /** @throws TraceError if it has not ended, or never will, as it was refused */
  override get end(): TracedEvent {
    if (this.refused) throw new TraceError(`${this.toString()} was refused, and has no end`);
    return super.end;
  }

  /** True if the start has returned, with whatever answer. */
  get hasReturned(): boolean {
    return this.#returned !== null;
  }

  /** @internal The return of the start, a refusal too. */
  get answer(): TracedEvent {
    if (this.#returned === null) {
      const { holders } = this.range;
      const why = holders.length === 0 ? '' : `: ${holders.map((holder) => `"${holder}"`).join(', ')} holds it`;
      throw new TraceError(`the start of ${this.toString()} has not returned${why}`);
    }
    return this.#returned;
  }

  /** The return of the start: nobody uses the old translations any more. @throws TraceError if it has not returned, or -EAGAIN */
  get returned(): TracedEvent {
    if (this.refused) throw new TraceError(`the start of ${this.toString()} was refused: entries stay as they are`);
    return this.answer;
  }

  /** From the return of the start to the end: the kernel changes entries, and no device may use or make translations. */
  get quiet(): Span {
    return new Span('quiet part of the invalidation', this.returned, this.end);
  }
}
