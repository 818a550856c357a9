import type { Budget, ExploreOptions, SearchName } from './explore-options.js';

/** Every search there is. */
export const SEARCHES: readonly SearchName[] = ['dpor', 'states', 'naive', 'context-bound', 'pct', 'random'];

/** What each option may be: null if it is, or else what it must be. */
const OPTIONS: Readonly<Record<keyof ExploreOptions, (value: unknown) => string | null>> = {
  name: unchecked,
  search: (value) => (SEARCHES.includes(value as SearchName) ? null : `one of ${SEARCHES.join(', ')}`),
  preemptions: integer(0),
  depth: integer(1),
  seed: integer(0),
  budget: (value) => (value instanceof Object ? null : 'an object: { executions, states, steps, time }'),
  stopAtFirst: unchecked,
  stepLimit: integer(1),
  shrink: (value) => (typeof value === 'boolean' ? null : integer(0)(value)),
  spotChecks: integer(0),
  isLeft: unchecked,
  replay: unchecked,
  saveTo: unchecked,
};

const BUDGET: Readonly<Record<keyof Budget, (value: unknown) => string | null>> = {
  executions: orInfinity(integer(1)),
  states: orInfinity(integer(1)),
  steps: orInfinity(integer(1)),
  time: (value) => {
    const { limit, clock } = Object(value) as { readonly limit?: unknown; readonly clock?: unknown };
    if (typeof clock !== 'function') return 'an object with a clock: a function that returns the time';
    return typeof limit === 'number' && limit >= 0 ? null : 'an object with a limit of 0 or more';
  },
};

/**
 * A search with a budget of NaN would not end, or prove nothing and not say so.
 *
 * @throws Error that names the first option that cannot be what it is, or that there is not
 */
export function checkOptions(options: ExploreOptions): void {
  check('', options, OPTIONS);
  if (options.budget !== undefined) check('budget.', options.budget, BUDGET);
}

function check(path: string, values: object, kinds: Readonly<Record<string, (value: unknown) => string | null>>): void {
  for (const [key, value] of Object.entries(values) as [string, unknown][]) {
    if (!Object.hasOwn(kinds, key)) {
      throw new Error(`explore: there is no option "${path}${key}"; there are ${Object.keys(kinds).join(', ')}`);
    }
    const must = value === undefined ? null : kinds[key](value);
    if (must !== null) throw new Error(`explore: option "${path}${key}" must be ${must}; this is ${shown(value)}`);
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}

function unchecked(): null {
  return null;
}

function integer(least: number): (value: unknown) => string | null {
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= least ? null : `an integer of ${String(least)} or more`;
}

function orInfinity(kind: (value: unknown) => string | null): (value: unknown) => string | null {
  return (value) => (value === Infinity ? null : kind(value));
}
