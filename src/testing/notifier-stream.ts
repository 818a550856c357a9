import type { NotifierSpan } from './span.js';
import type { TraceView } from './trace-view.js';

/** The invalidations of a trace, or of a part of it, as a stream on virtual time: what `toMatchMarbles` is asked of. */
export class NotifierStream {
  readonly #view: TraceView;
  readonly #ranges: () => readonly NotifierSpan[];

  /** @internal made by TraceView.notifier */
  constructor(
    view: TraceView,
    ranges: () => readonly NotifierSpan[],
    /** Virtual time in ns of frame 0. */
    readonly from: number,
    private readonly where: string,
  ) {
    this.#view = view;
    this.#ranges = ranges;
  }

  /** @internal */
  get ranges(): readonly NotifierSpan[] {
    return this.#ranges();
  }

  /** @internal */
  get view(): TraceView {
    return this.#view;
  }

  toString(): string {
    return `invalidations${this.where} of ${this.#view.title}`;
  }
}
