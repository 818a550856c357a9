import { MachineRules, Rules } from '../check/index.js';
import type { ProgramWatch } from '../lab/index.js';

/**
 * A program under the rules: whatever happens is watched, and after every step what the device has.
 * @param handsOverDirty false for rxe, which never says what it has written, as Linux's does not
 */
export function underTheRules(handsOverDirty: boolean): ProgramWatch {
  return ({ system, device, mm, children }) => {
    const rules = new Rules(system);
    rules.watch(device.observed, { handsOverDirty });
    const machine = new MachineRules(system, device.observed);
    return {
      afterStep: () => {
        machine.afterStep([mm, ...children.values()]);
      },
      atEnd: () => {
        rules.finish();
        machine.atEnd();
      },
    };
  };
}
