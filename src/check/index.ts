/**
 * Floor 6. What must hold: rules on what devices do with memory and on what the kernel tells them, watched while a run goes
 * on.
 *
 * A rule looks at what happens, never at what a driver says. It knows no workload and no report.
 */
export { MachineRules } from './rules/machine-rules.js';
export { Rules } from './rules/rules.js';
export type { RuleId } from './rule-texts.js';
export { RuleViolation, type Contradiction, type Happening, type Violation } from './violation.js';
