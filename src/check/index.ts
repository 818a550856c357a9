/**
/**
 * Floor 6. What must hold: rules on what devices do with memory and on what the kernel tells them, watched while a run goes
 * on; and the explorer, which makes sure of it over every schedule.
 *
 * A rule looks at what happens, never at what a driver says. It knows no workload and no report.
 */
export * from './explore/index.js';
export * from './machine/index.js';
export { MachineRules } from './rules/machine-rules.js';
export { Rules } from './rules/rules.js';
export { SAYS, type RuleId } from './rule-texts.js';
export { RuleViolation, type Contradiction, type Happening, type Violation } from './violation.js';
