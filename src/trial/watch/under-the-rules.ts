import { MachineRules, Rules, type Violation } from '../../check/index.js';
import type { ProgramWatch } from '../../lab/index.js';
import type { Census } from './census.js';

export interface ProgramRules {
  /** False for rxe, which never says what it has written, as Linux's does not; default true. */
  readonly handsOverDirty?: boolean;
  /** True for a driver that pins: the rules of mmu notifiers do not bind it; default false. */
  readonly pins?: boolean;
  /** Told when a run has been stopped: the rule that was broken, null if it was none, and the error. */
  readonly onFailure?: (violation: Violation | null, error: unknown) => void;
  /** Who counts what the rules were asked; default nobody. */
  readonly census?: (system: ConstructorParameters<typeof Census>[0]) => Census;
}

/** A program under the rules: whatever happens is watched, and after every step what the device has. */
export function underTheRules({
  handsOverDirty = true,
  pins = false,
  census,
  onFailure,
}: ProgramRules = {}): ProgramWatch {
  return ({ system, device, mm, children }) => {
    const counted = census?.(system);
    if (!pins) counted?.watch(device.observed);
    const rules = new Rules(system);
    if (!pins) rules.watch(device.observed, { handsOverDirty });
    const machine = new MachineRules(system, device.observed);
    return {
      afterStep: () => {
        if (!pins) machine.afterStep([mm, ...children.values()]);
      },
      atEnd: () => {
        rules.finish();
        machine.atEnd();
        counted?.note('R19');
      },
      failed: (error) => onFailure?.(rules.explain(error), error),
    };
  };
}
