import type { RuleId, Violation } from '../../check/index.js';
import { KINDS, fuzzOne, operationPrograms, parseProgram, runProgram, withImplicitExit } from '../../lab/index.js';
import type { Subject } from '../subject.js';
import type { Outcome, Suite } from '../suite.js';
import { Census } from '../watch/census.js';
import { explained, isEndless, notMade } from '../watch/trial-watch.js';
import { underTheRules } from '../watch/under-the-rules.js';
import { EVERYBODY } from './needs.js';

const PROGRAMS = operationPrograms();

/** Enough to get rid of most of a program, and a second at most. */
const SHRINK_RUNS = 150;

/** Every operation that `pinless explain` shows. */
export const operations: Suite = {
  name: 'operations',
  title: 'every operation of pinless explain',
  tests: [
    {
      name: '',
      seeds: PROGRAMS.length,
      bounded: true,
      needs: EVERYBODY,
      run: (subject, seed) => ended(() => operation(subject, PROGRAMS[seed - 1].program)),
    },
  ],
};

/** Programs that are drawn. */
export const programs: Suite = {
  name: 'programs',
  title: 'random programs of memory, file and RDMA operations, of all kinds',
  tests: [
    {
      name: '',
      seeds: 10_000,
      needs: EVERYBODY,
      run: (subject, seed, shrink) => ended(() => random(subject, seed, shrink)),
    },
  ],
};

function operation({ tried, pins }: Subject, program: readonly string[]): Outcome {
  let census: Census | null = null;
  const last = new LastFailure();
  const watch = underTheRules({
    pins,
    census: (system) => (census = new Census(system)),
    onFailure: last.note.bind(last),
  });
  const { stopped } = runProgram(withImplicitExit(parseProgram(program.join('\n'))), { probes: false, watch, tried });
  const { exercised } = census as unknown as Census;
  return last.outcome(stopped?.modelled === true ? { reason: stopped.reason, program } : null, exercised);
}

/** Nothing is counted here: it would take time, and storms have put every rule to the test that these could. */
function random({ tried, pins }: Subject, seed: number, shrink: boolean): Outcome {
  const last = new LastFailure();
  const watch = underTheRules({ pins, onFailure: last.note.bind(last) });
  const options = { tried, shrinkRuns: shrink ? SHRINK_RUNS : 0 };
  return last.outcome(fuzzOne(KINDS[seed % KINDS.length], seed, watch, options).failure, new Set());
}

/** What stopped the last program: after shrinking, that is the shortest. */
class LastFailure {
  private violation: Violation | null = null;
  private endless = false;

  note(violation: Violation | null, error: unknown): void {
    this.violation = violation;
    this.endless = isEndless(error);
  }

  outcome(
    failure: { readonly reason: string; readonly program: readonly string[] } | null,
    exercised: ReadonlySet<RuleId>,
  ): Outcome {
    if (failure === null) return { failure, exercised };
    const { violation, endless } = this;
    const told = explained(violation, failure.reason);
    return { failure: { ...told, program: failure.program, ...(endless ? { endless } : {}) }, exercised };
  }
}

/** A run, whose machine makes the driver: if that throws, there is no run. */
function ended(run: () => Outcome): Outcome {
  try {
    return run();
  } catch (error) {
    return notMade(error);
  }
}
