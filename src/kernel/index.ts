/**
 * Floor 4. KernelCore: system calls and streams over memory and files; the policies; the container that wires a machine.
 *
 * Drivers and tools see the kernel through this face. What a policy decides is data here and is asked where it matters,
 * in mm/ and fs/.
 */
export { KernelCore, type MmapOptions, type Signal } from './kernel-core.js';
export { P0, P1, P12, POLICIES } from './policy.js';
export { Process } from './process.js';
export { KernelCosts, KernelPolicy } from './tokens.js';
export {
  DEFAULT_COSTS,
  FILE_SYSTEMS,
  createWorld,
  type FileSystemKind,
  type World,
  type WorldOptions,
} from './world.js';
