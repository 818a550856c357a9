import type { Simulation } from '../../../engine/index.js';
import { Ext4, Flusher, type BlockDevice, type FileSystem } from '../../../fs/index.js';
import { KernelCore, P1 } from '../../../kernel/index.js';
import type { MmSystem } from '../../../mm/index.js';

/** What a driver sees of the kernel of a program's machine. Programs write back themselves. */
export function kernelOf(simulation: Simulation, system: MmSystem, disk: BlockDevice): KernelCore {
  const fs: FileSystem = new Ext4(system, disk);
  return new KernelCore(simulation, system.hub, system, fs, new Flusher(simulation, { writeback: 0, expire: 0 }), P1);
}
