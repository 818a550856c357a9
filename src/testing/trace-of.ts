import type { ObservedDevice } from '../../devices/contract/index.js';
import { Rules } from '../check/index.js';
import type { MmSystem } from '../mm/index.js';
import { Recorder } from './recorder.js';
import { EVERYTHING } from './trace-scope.js';
import { TraceView } from './trace-view.js';

/** What a trace can be of: a world of createWorld, or anything else with a kernel; or memory alone. */
export type TraceSource = MmSystem | { readonly kernel: { readonly mm: MmSystem } };

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
