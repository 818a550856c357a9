/** One traced event. `kind` says which; the other fields are the event's own, in a fixed order for each kind. */
export interface TraceEvent {
  readonly kind: string;
  readonly [field: string]: TraceValue;
}

/** What a field of a traced event may be. */
export type TraceValue = string | number | boolean | null | undefined | readonly TraceValue[];

/** Where traced events go: a file, a hash, a rule, an array. */
export interface TraceSink {
  /** @param time virtual time in ns */
  event(time: number, event: TraceEvent): void;
}

/**
 * The trace of a run. With no sink attached it costs one property read per place that traces:
 *
 *     if (trace.on) trace.emit({ kind: 'page_mkwrite', mm, page });
 */
export class Trace {
  /** True if somebody listens. */
  on = false;

  private sinks: readonly TraceSink[] = [];

  constructor(private readonly clock: { readonly now: number }) {}

  attach(sink: TraceSink): void {
    this.sinks = [...this.sinks, sink];
    this.on = true;
  }

  emit(event: TraceEvent): void {
    const time = this.clock.now;
    for (const sink of this.sinks) sink.event(time, event);
  }
}
