import type { MmuNotifierEvent } from '../../../notifiers/index.js';

/**
 * What happens to an invalidation: S its start, R the return of that, E its end, X its refusal. The number says which
 * invalidation it is: E1 is the end of what S1 started.
 */
export type RangeMarble = `${'S' | 'R' | 'E' | 'X'}${number}`;

/** What an invalidation is like. What is left out does not matter. */
export interface RangePattern {
  /** Without MMU_NOTIFY_. */
  readonly event?: MmuNotifierEvent;
  /** First byte, and first byte behind it. */
  readonly start?: number;
  readonly end?: number;
  /** An address inside. */
  readonly page?: number;
  /** Name of the address space. */
  readonly mm?: string;
  readonly blockable?: boolean;
}

/** What the columns and the marbles of a diagram stand for. */
export interface MarbleOptions {
  /** Virtual ns of one frame: of one column of the diagram. Times are compared in whole frames. */
  readonly frame: number;
  /** Virtual time in ns of frame 0; default where the view begins, or else the trace. */
  readonly from?: number;
  readonly [marble: RangeMarble]: RangePattern;
}
