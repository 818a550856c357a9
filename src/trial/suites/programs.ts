import type { RuleId, Violation } from '../../check/index.js';
import { KINDS, fuzzOne, operationPrograms, parseProgram, runProgram, withImplicitExit } from '../../lab/index.js';
import type { Outcome, Suite } from '../suite.js';
import { Census } from '../watch/census.js';
import { explained } from '../watch/trial-watch.js';
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
      run: ({ tried, pins }, seed) => {
        const { program } = PROGRAMS[seed - 1];
        let census: Census | null = null;
        let violation: Violation | null = null;
        const watch = underTheRules({
          pins,
          census: (system) => (census = new Census(system)),
          onFailure: (broken) => (violation = broken),
        });
        const { stopped } = runProgram(withImplicitExit(parseProgram(program.join('\n'))), {
          probes: false,
          watch,
          tried,
        });
        const { exercised } = census as unknown as Census;
        const failure = stopped?.modelled === true ? { reason: stopped.reason, program } : null;
        return outcome(failure, violation, exercised);
      },
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
      run: ({ tried, pins }, seed, shrink) => {
        const kind = KINDS[seed % KINDS.length];
        let violation: Violation | null = null;
        const watch = underTheRules({ pins, onFailure: (broken) => (violation = broken) });
        const options = { tried, shrinkRuns: shrink ? SHRINK_RUNS : 0 };
        // Nothing is counted here: it would take time, and storms have put every rule to the test that these could.
        return outcome(fuzzOne(kind, seed, watch, options).failure, violation, new Set());
      },
    },
  ],
};

function outcome(
  failure: { readonly reason: string; readonly program: readonly string[] } | null,
  violation: Violation | null,
  exercised: ReadonlySet<RuleId>,
): Outcome {
  if (failure === null) return { failure, exercised };
  return { failure: { ...explained(violation, failure.reason), program: failure.program }, exercised };
}
