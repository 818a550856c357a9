import { toHaveNoAccessBetween, toHaveNoWriteBetween } from './matchers/access.js';
import { toBeDrainedBefore, toInvalidateBefore } from './matchers/invalidation.js';
import { toMatchMarbles } from './matchers/marbles.js';
import { toEnclose, toHappenBefore, toNestIn, toOverlap } from './matchers/order.js';
import { toBreakRule, toKeepTheRules } from './matchers/rules.js';
import { toHoldInEverySchedule } from './matchers/schedules.js';
import type { TraceMatchers } from './jest-types.js';
import { TraceView } from './trace-view.js';

const MATCHERS = {
  toHappenBefore,
  toEnclose,
  toNestIn,
  toOverlap,
  toHaveNoAccessBetween,
  toHaveNoWriteBetween,
  toInvalidateBefore,
  toBeDrainedBefore,
  toMatchMarbles,
  toKeepTheRules,
  toBreakRule,
  toHoldInEverySchedule,
} satisfies Record<keyof TraceMatchers<unknown, unknown>, unknown>;

/** An `expect`, as far as it is extended. */
export interface ExpectToExtend {
  extend(matchers: never): void;
  addSnapshotSerializer?(serializer: never): void;
}

/** How a trace appears in a snapshot: in its own words, as toString says them. */
const SNAPSHOT = {
  test: (value: unknown) => value instanceof TraceView,
  serialize: (value: unknown) => String(value),
};

/**
 * Gives an `expect` the matchers of the kit, and snapshots of traces. The global one has them already where there is one
 * when the kit is imported; needed for that of `@jest/globals` if Jest injects no globals.
 */
export function extendExpect(expect: ExpectToExtend): void {
  expect.extend(MATCHERS as never);
  expect.addSnapshotSerializer?.(SNAPSHOT as never);
}

const { expect: found } = globalThis as { readonly expect?: Partial<ExpectToExtend> };
if (typeof found?.extend === 'function') extendExpect(found as ExpectToExtend);
