import { parseProgram, runProgram, withImplicitExit } from '../../../../src/lab/program/index.js';

/** What the ops of a program returned, and which invalidations each of them started: `CLEAR[0,16)`, in area d `CLEAR d[0,16)`. */
export function stepsOf(...lines: string[]): {
  readonly results: readonly unknown[];
  readonly told: readonly string[];
} {
  // Without anybody who listens, nothing is told.
  const run = runProgram(withImplicitExit(parseProgram(['keeper', ...lines].join('\n'))));
  if (run.stopped !== null) throw new Error(run.stopped.reason);
  const steps = run.steps.slice(1);
  const told = steps.map(({ events }) =>
    events.flatMap((event) => (event.kind === 'invalidate_start' ? [describe(event)] : [])).join(' '),
  );
  return { results: steps.map(({ result }) => result), told };
}

function describe({ event, map, range }: { event?: unknown; map?: unknown; range?: unknown }): string {
  const area = map === 'm' ? '' : ` ${String(map)}`;
  return `${String(event)}${area}${Array.isArray(range) ? `[${range.join(',')})` : ` ${String(range)}`}`;
}
