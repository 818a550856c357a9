import { failureKind } from './failure-kind.js';
import { LenientDirector } from './lenient-director.js';
import type { ProcessTable } from './processes.js';
import { contextSwitches } from './schedule.js';
import type { Scenario } from './stage.js';
import { SwitchBoundSearch } from './switch-bound-search.js';

/** A failing schedule with no more context switches than it takes, as far as that has been found out. */
export interface Shrunk {
  /** Who takes each step, by numbers of the table. */
  readonly taken: readonly number[];
  readonly processes: ProcessTable;
  /** True if no schedule with fewer context switches fails like this. */
  readonly fewest: boolean;
}

/**
 * Finds a schedule that fails in the same way with fewer context switches, and among those one with fewer steps: first by
 * joining the turns of a process and leaving some out, then by searching all schedules with fewer switches.
 *
 * @param executions what the search may cost in all
 */
export function shrink(
  scenario: Scenario,
  kind: string,
  taken: readonly number[],
  processes: ProcessTable,
  stepLimit: number,
  executions: number,
): Shrunk {
  const joined = new Joiner(scenario, kind, processes, stepLimit).join(taken);
  const most = contextSwitches(joined);
  let proved = true;
  let left = executions;
  for (let switches = 0; switches <= most; switches++) {
    const search = new SwitchBoundSearch(stepLimit, switches);
    const { found, complete, used } = shortest(search, scenario, kind, left);
    left -= used;
    if (found !== null) return { taken: found, processes: search.processes, fewest: proved };
    proved &&= complete;
  }
  return { taken: joined, processes, fewest: proved };
}

interface Shortest {
  readonly found: readonly number[] | null;
  /** True if the search came to its end. */
  readonly complete: boolean;
  readonly used: number;
}

/** The shortest schedule of a search that fails like that. */
function shortest(search: SwitchBoundSearch, scenario: Scenario, kind: string, executions: number): Shortest {
  let found: readonly number[] | null = null;
  for (let used = 1; used <= executions; used++) {
    const ending = search.run(scenario);
    const fails = ending.kind === 'failed' && failureKind(ending.error) === kind;
    if (fails && (found === null || search.taken.length < found.length)) found = [...search.taken];
    if (!search.advance()) return { found, complete: search.tooLong === 0, used };
  }
  return { found, complete: false, used: executions };
}

/** Some steps of one process in a row. */
interface Turn {
  readonly process: number;
  readonly steps: number;
}

/** Makes a failing schedule shorter by small changes, as long as it still fails in the same way. */
class Joiner {
  constructor(
    private readonly scenario: Scenario,
    private readonly kind: string,
    private readonly processes: ProcessTable,
    private readonly stepLimit: number,
  ) {}

  join(taken: readonly number[]): readonly number[] {
    let best = taken;
    for (let better = this.improved(best); better !== null; better = this.improved(best)) best = better;
    return best;
  }

  /** A shorter schedule by one change; null if none is. */
  private improved(taken: readonly number[]): readonly number[] | null {
    for (const wish of changes(turnsOf(taken))) {
      const actual = this.failing(wish);
      if (actual !== null && shorter(actual, taken)) return actual;
    }
    return null;
  }

  /** The steps that a wish comes to, if they fail in the same way; else null. */
  private failing(wish: readonly number[]): readonly number[] | null {
    const director = new LenientDirector(this.stepLimit, wish, this.processes);
    const ending = director.run(this.scenario);
    return ending.kind === 'failed' && failureKind(ending.error) === this.kind ? director.taken : null;
  }
}

/** Schedules that differ in one turn: it comes with the one before or after of the same process, or not at all. */
function* changes(turns: readonly Turn[]): Generator<readonly number[]> {
  for (const [place, turn] of turns.entries()) {
    const others = [...turns.slice(0, place), ...turns.slice(place + 1)];
    const before = others.findLastIndex(({ process }, other) => process === turn.process && other < place);
    const after = others.findIndex(({ process }, other) => process === turn.process && other >= place);
    if (after >= 0) yield stepsOf([...others.slice(0, after), turn, ...others.slice(after)]);
    if (before >= 0) yield stepsOf([...others.slice(0, before + 1), turn, ...others.slice(before + 1)]);
    yield stepsOf(others);
  }
}

function shorter(a: readonly number[], b: readonly number[]): boolean {
  const difference = contextSwitches(a) - contextSwitches(b);
  return difference < 0 || (difference === 0 && a.length < b.length);
}

function turnsOf(taken: readonly number[]): Turn[] {
  const turns: Turn[] = [];
  for (const process of taken) {
    const last = turns.at(-1);
    if (last?.process === process) turns[turns.length - 1] = { process, steps: last.steps + 1 };
    else turns.push({ process, steps: 1 });
  }
  return turns;
}

function stepsOf(turns: readonly Turn[]): number[] {
  return turns.flatMap(({ process, steps }) => new Array<number>(steps).fill(process));
}
