import type { MmCosts } from '../mm/index.js';
import type { KernelPolicy as Policy } from './policy.js';

/** Names under which the container holds what has no class of its own. */
export const KernelPolicy: unique symbol = Symbol('KernelPolicy');
export type KernelPolicy = Policy;

/** Under this the container holds what memory management costs. */
export const KernelCosts: unique symbol = Symbol('KernelCosts');
export type KernelCosts = MmCosts;
