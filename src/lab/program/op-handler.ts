import type { Task } from '../../engine/index.js';
import type { ArgsOf, OpName } from './op-table.js';
import type { ProgramWorld } from './program-world.js';
import type { StepResult } from './recorded.js';

/** What an op does. An Errno that it throws is the step's errno. */
export type OpHandler<K extends OpName> = (world: ProgramWorld, args: ArgsOf<K>) => Task<StepResult>;

/** Handlers by op; an op without one is not modelled. */
export type OpHandlers = { readonly [K in OpName]?: OpHandler<K> };

/** The result of an op that has nothing to say but that it succeeded. */
export const DONE: StepResult = {};
