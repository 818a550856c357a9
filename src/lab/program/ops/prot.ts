import { VM_READ, VM_WRITE } from '../../../mm/index.js';

/** Rights as the language writes them. */
export const PROT = { rw: VM_READ | VM_WRITE, r: VM_READ, none: 0 } as const;
