import type { Task } from '../../src/engine/index.js';
import { explore, traceOf, type Scenario, type WatchedTrace } from '../../src/testing/index.js';
import { smallSystem } from './hmm-scenario.js';

const EVENT = 'mmu_notifier_arch_invalidate_secondary_tlbs';

/** One task has something recorded, the other one looks at the trace; they have nothing else in common. */
function looking(look: (trace: WatchedTrace) => Task, order: 'looks first' | 'looks last'): Scenario {
  return (stage) => {
    const system = smallSystem(stage);
    const mm = system.newMm('app');
    const trace = traceOf(system);
    function* tells(): Task {
      mm.notifiers.archInvalidateSecondaryTlbs(0x1000, 0x2000);
    }
    if (order === 'looks first') stage.task('looks', look(trace));
    stage.task('tells', tells());
    if (order === 'looks last') stage.task('looks', look(trace));
    return undefined;
  };
}

describe.each(['looks first', 'looks last'] as const)('a task that looks at the trace: %s', (order) => {
  it.each(['dpor', 'naive'] as const)('is explored before and after what it may find there: %s', (search) => {
    const found = new Set<number>();
    const scenario = looking(function* (trace) {
      found.add(trace.events(EVENT).length);
    }, order);
    expect(explore(scenario, { search }).complete).toBe(true);
    expect([...found].sort()).toEqual([0, 1]);
  });

  it.each(['dpor', 'naive'] as const)('may wait for what has been: %s', (search) => {
    const scenario = looking(function* (trace) {
      yield* trace.next(EVENT);
    }, order);
    const { failure } = explore(scenario, { search });
    expect(failure?.message).toMatch(`task "looks" waits for ${EVENT} to happen`);
  });
});
