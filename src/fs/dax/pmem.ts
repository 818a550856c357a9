import { SimulationError } from '../../engine/index.js';
import { PG_RESERVED, PG_UPTODATE, type PhysicalMemory } from '../../mm/index.js';

/** A device whose blocks are frames of memory that the CPU and other devices can use as they are: persistent memory. */
export class Pmem {
  private readonly frames = new Map<number, number>();

  constructor(private readonly memory: PhysicalMemory) {}

  /** dax_direct_access: the frame of a block. The device's own reference keeps it. */
  frame(block: number): number {
    let frame = this.frames.get(block);
    if (frame === undefined) {
      frame = this.memory.allocate(0);
      if (frame < 0) throw new SimulationError('there is no memory left to make a device of');
      this.memory.frames.set(frame, PG_RESERVED | PG_UPTODATE);
      this.frames.set(block, frame);
    }
    return frame;
  }
}
