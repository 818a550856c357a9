import { Condition, MS, type Simulation, type Task } from '../engine/index.js';
import type { PhysicalMemory } from './physical-memory.js';

/** SWAP_CLUSTER_MAX: folios whose writeback ends before those who wait for memory look again. */
export const SWAP_CLUSTER_MAX = 32;

/** HZ / 10: how long a wait lasts if writeback makes no such progress. */
const THROTTLE_NS = 100 * MS;

/** Whoever writes dirty pages in the background: reclaim calls on it where it finds nothing that is clean. */
export interface BackgroundWriteback {
  /** wakeup_flusher_threads: begins to write whatever is dirty, of whatever age. */
  wake(): void;
}

/** reclaim_throttle: tasks that need memory and found only dirty pages wait until writeback has cleaned some. */
export class ReclaimThrottle {
  private readonly progress: Condition;
  /** Folios whose writeback has yet to end. */
  private left = 0;

  constructor(simulation: Simulation, memory: PhysicalMemory) {
    this.progress = new Condition(simulation, 'writeback to clean pages');
    memory.onWritebackEnd = this.writebackEnded.bind(this);
  }

  /** @param folios number of folios whose writeback is worth waiting for */
  *wait(folios: number): Task {
    this.left = this.progress.waiting === 0 ? folios : Math.min(this.left, folios);
    yield* this.progress.waitFor(THROTTLE_NS);
  }

  private writebackEnded(): void {
    if (this.progress.waiting > 0 && --this.left <= 0) this.progress.notifyAll();
  }
}
