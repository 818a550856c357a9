/**
 * The explorer: runs a scenario over schedules, and shows the shortest one that breaks it.
 *
 * A scenario is plain TypeScript: a function that builds a small world with a few tasks. What is explored is the one
 * choice that a simulation has, which ready task or timer goes next; the world's code is the same as everywhere else.
 *
 * Nothing here knows of memory or devices, looks at a wall clock, or builds a container.
 */
export { SEARCHES } from './check-options.js';
export { eachStep } from './each-step.js';
export { explore } from './explore.js';
export type { Budget, ExploreOptions, SearchName } from './explore-options.js';
export { rootCause } from './failure-kind.js';
export { describeReport, type ExploreReport, type Failure } from './report.js';
export { parseSchedule, type SavedSchedule } from './schedule.js';
export { Irreproducible } from './schedule-mismatch.js';
export { SharedVariable, type VariableValue } from './shared-variable.js';
export { Stage, type Finale, type Outcome, type Scenario } from './stage.js';
