/**
 * Floor 6. What must hold: rules on the accesses of devices and on the kernel's announcements, watched while a run goes on;
 * and the explorer, which makes sure of it over every schedule.
 *
 * A rule looks at what happens, never at what a driver says. It knows no workload and no report.
 */
export * from './explore/index.js';
export { AccessRules } from './rules/access-rules.js';
export { MachineRules } from './rules/machine-rules.js';
export { RuleViolation, type Contradiction, type RuleId } from './violation.js';
