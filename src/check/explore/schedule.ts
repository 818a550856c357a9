import type { ProcessTable } from './processes.js';

/** Version of the format below. */
const VERSION = 1;

/**
 * A schedule that can be kept and run again: who took each step. Processes go by keys that do not depend on the schedule,
 * so it may also be followed by a world that has changed a little.
 */
export interface SavedSchedule {
  readonly format: 'pinless-schedule';
  readonly version: number;
  readonly scenario: string;
  /** What failed, for people: its first line. */
  readonly failure: string;
  /** Names of the processes by their keys. */
  readonly names: Readonly<Record<string, string>>;
  /** Who goes for how many steps. */
  readonly turns: readonly (readonly [process: string, steps: number])[];
}

export function saveSchedule(
  scenario: string,
  failure: string,
  taken: readonly number[],
  processes: ProcessTable,
): SavedSchedule {
  const names: Record<string, string> = {};
  const turns: [string, number][] = [];
  for (const process of taken) {
    const key = processes.key(process);
    names[key] = processes.names[process];
    const last = turns.at(-1);
    if (last?.[0] === key) last[1]++;
    else turns.push([key, 1]);
  }
  const [line] = failure.split('\n');
  return { format: 'pinless-schedule', version: VERSION, scenario, failure: line, names, turns };
}

/** Steps of one turn in a row: more than any execution has. */
const LONGEST_TURN = 1e7;

/** @throws Error if the text is no schedule of this version */
export function parseSchedule(text: string): SavedSchedule {
  return checkedSchedule(JSON.parse(text));
}

/** @throws Error if a value is no schedule of this version */
export function checkedSchedule(value: unknown): SavedSchedule {
  const { format, version, turns } = Object(value) as Partial<SavedSchedule>;
  if (format !== 'pinless-schedule' || !Array.isArray(turns)) throw new Error('this is no saved schedule');
  if (version !== VERSION) {
    throw new Error(`a saved schedule of version ${String(version)}, where ${String(VERSION)} is known`);
  }
  for (const turn of turns as unknown[]) {
    const [process, steps] = Array.isArray(turn) ? (turn as unknown[]) : [];
    if (
      typeof process === 'string' &&
      Number.isInteger(steps) &&
      (steps as number) > 0 &&
      (steps as number) <= LONGEST_TURN
    )
      continue;
    throw new Error(`this is no saved schedule: ${JSON.stringify(turn)} is no turn, ["process", steps]`);
  }
  return value as SavedSchedule;
}

/** Number of times that another process goes on than the one that went before. */
export function contextSwitches(taken: readonly number[]): number {
  let switches = 0;
  for (let i = 1; i < taken.length; i++) if (taken[i] !== taken[i - 1]) switches++;
  return switches;
}
