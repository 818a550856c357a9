import type { ObservedDevice } from '../../devices/contract/index.js';
import { Rules } from '../check/index.js';
import { Condition, type Task } from '../engine/index.js';
import type { MmSystem } from '../mm/index.js';
import { EVENT_NAMES, type EventName } from './event-names.js';
import { Recorder } from './recorder.js';
import { EVERYTHING } from './trace-scope.js';
import { isMisspelt, noEvent } from './trace-error.js';
import { TraceView } from './trace-view.js';
import type { TracedEvent } from './traced-event.js';
import { isMeant, mustBeWhere, whereWords, type EventWhere } from './where.js';

/** What a trace can be of: a world of createWorld, or anything else with a kernel; or memory alone. */
export type TraceSource = MmSystem | { readonly kernel: { readonly mm: MmSystem } };

/** What a trace does besides being written down. */
export interface TraceOptions {
  /** True has the rules of docs/rules.md watch as well, for `toKeepTheRules`: the run stops where one is broken. */
  readonly rules?: boolean;
}

/** The trace of a whole machine. */
export class WatchedTrace extends TraceView {
  readonly #rules: Rules | null;

  /** @internal made by traceOf */
  constructor(recorder: Recorder, rules: Rules | null) {
    super(recorder, EVERYTHING);
    this.#rules = rules;
  }

  /** Records, from here on, what devices do: `observeNic(nic)`, a MirrorDevice. */
  watch(...devices: readonly ObservedDevice[]): this {
    for (const device of devices) {
      // The trace first: it then has the event that breaks a rule.
      this.recorder.watch(device);
      this.#rules?.watch(device);
    }
    return this;
  }

  /**
   * A task that waits until the next event of that name, and goes on at that instant: to hit a moment without counting
   * nanoseconds. If none comes, the run ends with the name of who waits for what.
   *
   * @example
   * nics.postWrite(region, 0, bytes);
   * yield* trace.next('device_write');  // its DMA is in flight
   */
  *next(name: EventName, where: EventWhere = {}): Task<TracedEvent> {
    if (isMisspelt(name, EVENT_NAMES)) throw noEvent(name, EVENT_NAMES);
    mustBeWhere(where);
    const { recorder } = this;
    const happened = new Condition(recorder.system.simulation, `${name}${whereWords(where)} to happen`);
    let found: TracedEvent | null = null;
    const stop = recorder.onEvent((event) => {
      if (event.name !== name || !isMeant(event, where)) return;
      found = event;
      stop();
      happened.notifyAll();
    });
    yield happened;
    return found!;
  }

  /** @internal */
  get rules(): Rules | null {
    return this.#rules;
  }
}

/**
 * Begins to record what happens on a machine. Made before the run: what has been is not in it.
 *
 * @example
 * const trace = traceOf(world).watch(observeNic(nic));
 */
export function traceOf(source: TraceSource, options: TraceOptions = {}): WatchedTrace {
  const system = 'kernel' in source ? source.kernel.mm : source;
  const recorder = new Recorder(system);
  return new WatchedTrace(recorder, options.rules === true ? new Rules(system) : null);
}
