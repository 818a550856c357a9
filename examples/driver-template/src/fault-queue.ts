import { Condition, PAGE_SIZE, type Errno, type Simulation, type Task } from 'pinless';
import type { MyContext } from './my-context.js';
import type { MyDevice } from './my-device.js';

/** What an access leaves in the queue that has found no translation. */
export interface Fault {
  readonly context: MyContext;
  /** First byte of the page. */
  readonly address: number;
  readonly write: boolean;
  /** Null until the driver has served it. */
  answer: 'retry' | Errno | null;
}

export interface FaultQueueSize {
  /** Faults that the hardware can keep. */
  readonly entries: number;
  /** Faults that the driver takes out at once. */
  readonly batch: number;
}

/**
 * The device's fault queue, and the handler that drains it. As on GPUs it is bounded, the same page is in it many times, and
 * nobody is answered one by one: the handler takes a batch, serves each page of it once, and has the device replay. What
 * does not fit is not lost: the access stalls, and tries to get in at the next replay.
 */
export class FaultQueue {
  readonly stats = { raised: 0, served: 0, stalls: 0 };
  private readonly queue: Fault[] = [];
  private readonly replay: Condition;
  private handlerRuns = false;

  constructor(
    private readonly simulation: Simulation,
    private readonly device: MyDevice,
    private readonly size: FaultQueueSize,
  ) {
    this.replay = new Condition(simulation, `replay of ${device.name}`);
  }

  /** The access waits until its fault is served. @throws Errno if there is no such page for it */
  *raise(fault: Fault): Task {
    const { watchers } = this.device;
    this.stats.raised++;
    watchers.faultRaised(fault, fault.context.mm, fault.address, PAGE_SIZE);
    while (fault.answer === null) {
      if (!this.queue.includes(fault)) this.push(fault);
      yield this.replay;
    }
    watchers.faultEnded(fault, fault.answer === 'retry' ? 'retry' : 'error');
    if (fault.answer !== 'retry') throw fault.answer;
  }

  private push(fault: Fault): void {
    if (this.queue.length < this.size.entries) this.queue.push(fault);
    else this.stats.stalls++;
    if (this.handlerRuns) return;
    this.handlerRuns = true;
    this.simulation.spawn(`fault handler of ${this.device.name}`, this.handle(), { daemon: true });
  }

  /** It sleeps: it is a thread, not the interrupt. */
  private *handle(): Task {
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, this.size.batch);
      for (const fault of batch) {
        if (fault.answer !== null) continue;
        const answer = yield* fault.context.serve(fault);
        for (const other of batch) if (isSame(other, fault)) other.answer = answer;
        this.stats.served++;
      }
      this.replay.notifyAll();
    }
    this.handlerRuns = false;
  }
}

/** A read is not answered as a write is: it may be that the page is there to be read only. */
function isSame(one: Fault, other: Fault): boolean {
  return one.context === other.context && one.address === other.address && one.write === other.write;
}
