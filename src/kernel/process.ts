import type { MmStruct } from '../mm/index.js';

/** A process, as far as memory goes: a name and an address space. */
export class Process {
  constructor(
    readonly pid: number,
    readonly name: string,
    readonly mm: MmStruct,
  ) {}
}
