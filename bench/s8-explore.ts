import 'reflect-metadata';
import type { Task } from '../src/engine/index.js';
import {
  driverScenarios,
  explore,
  type ExploreOptions,
  type ExploreReport,
  type Scenario,
  type SharedVariable,
} from '../src/check/index.js';
import { odp } from '../devices/odp/index.js';
import { median, timed } from './measure.js';
import { protocol, type ProtocolOptions } from './s8-protocol.js';

/** What S8 prints of one search of one scenario. */
export interface SearchRates {
  readonly id: string;
  readonly what: string;
  readonly search: string;
  readonly executions: number;
  readonly stepsPerExecution: number;
  /** True if that is all that there is to explore. */
  readonly complete: boolean;
  readonly executionsPerSecond: number;
  readonly stepsPerSecond: number;
  readonly states?: number;
  readonly statesPerSecond?: number;
  readonly bound?: { readonly executionsPerSecond: number } | { readonly statesPerSecond: number };
  readonly met?: boolean;
}

const ROUNDS = 5;
const EXECUTIONS_PER_ROUND = 20_000;

function* count(counter: SharedVariable<number>, steps: number): Task {
  for (let step = 1; step <= steps; step++) {
    if (step > 1) yield 0;
    counter.set(counter.get() + 1);
  }
}

/** Ten steps, all of which depend on each other: the least that a reduction can do. */
const tenSteps: Scenario = (stage) => {
  const counter = stage.shared('counter', 0);
  stage.task('left', count(counter, 5));
  stage.task('right', count(counter, 5));
  return undefined;
};

/** Explores again and again until a round is full, and says how fast that was. */
function rates(
  id: string,
  what: string,
  scenario: Scenario,
  options: ExploreOptions,
  bound?: SearchRates['bound'],
  perRound = EXECUTIONS_PER_ROUND,
): SearchRates {
  let report!: ExploreReport;
  const perSecond = { executions: [] as number[], steps: [] as number[], states: [] as number[] };
  for (let round = -1; round < ROUNDS; round++) {
    let executions = 0;
    let steps = 0;
    let states = 0;
    const ns = timed(() => {
      while (executions < perRound) {
        report = explore(scenario, { ...options, budget: { executions: perRound - executions } });
        executions += report.executions;
        steps += report.steps;
        states += report.states ?? 0;
      }
    });
    if (round < 0) continue;
    perSecond.executions.push((executions / ns) * 1e9);
    perSecond.steps.push((steps / ns) * 1e9);
    perSecond.states.push((states / ns) * 1e9);
  }
  const whole = explore(scenario, { ...options, budget: { executions: 10 * perRound } });
  const executionsPerSecond = Math.round(median(perSecond.executions));
  const statesPerSecond = Math.round(median(perSecond.states));
  return {
    id,
    what,
    search: whole.search,
    executions: whole.executions,
    stepsPerExecution: Number((whole.steps / whole.executions).toFixed(1)),
    complete: whole.complete,
    executionsPerSecond,
    stepsPerSecond: Math.round(median(perSecond.steps)),
    ...(whole.states === undefined ? {} : { states: whole.states, statesPerSecond }),
    ...(bound === undefined ? {} : { bound, met: meets(bound, executionsPerSecond, statesPerSecond) }),
  };
}

function meets(bound: NonNullable<SearchRates['bound']>, executions: number, states: number): boolean {
  return 'statesPerSecond' in bound ? states >= bound.statesPerSecond : executions >= bound.executionsPerSecond;
}

/** Executions of the real kernel, driver and device take some hundred times as long. */
const RACE_EXECUTIONS = 2_000;

/** A race of the ODP driver: the whole stack under the rules, as `pinless explore odp fault` runs it. */
function race(name: string): SearchRates[] {
  const found = driverScenarios(odp).find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no race "${name}"`);
  const what = `the ODP driver: ${found.title}`;
  return (['naive', 'dpor'] as const).map((search) =>
    rates(`S8-odp-${name}-${search}`, what, found.scenario, { search }, undefined, RACE_EXECUTIONS),
  );
}

const PROTOCOLS: readonly (readonly [id: string, options: ProtocolOptions])[] = [
  ['S8-2', { devices: 2, writes: 2, invalidations: 2 }],
  ['S8-3', { devices: 3, writes: 1, invalidations: 1 }],
];

/** S8: executions, steps and states per second of the searches over schedules, beside the naive one. */
export function s8(): SearchRates[] {
  const fast = { executionsPerSecond: 50_000 };
  const ten = (['naive', 'dpor'] as const).map((search) =>
    rates('S8-10', 'a world of ten steps that all depend on each other', tenSteps, { search }, fast),
  );
  const protocols = PROTOCOLS.flatMap(([id, options]) => {
    const { devices, writes, invalidations } = options;
    const what = `invalidate x DMA x fault: ${String(devices)} devices, ${String(writes)} writes each, ${String(invalidations)} invalidations`;
    return (['naive', 'dpor', 'states'] as const).map((search) =>
      rates(
        `${id}-${search}`,
        what,
        protocol(options),
        { search },
        search === 'states' ? { statesPerSecond: 100_000 } : undefined,
      ),
    );
  });
  return [...ten, ...protocols, ...race('fault')];
}
