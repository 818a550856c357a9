import { PAGE_SIZE, isErrno, pageOf } from '../../base/index.js';
import type { Simulation, Task } from '../../engine/index.js';
import { Userfaultfd, type MmStruct } from '../../mm/index.js';
import type { Areas } from './areas.js';

/** A fault that a handler has seen, as it is recorded. */
export interface SeenFault {
  readonly map: string;
  readonly page: number;
  readonly write: boolean;
  readonly wp: boolean;
}

/** Name of the task that handles faults, by which its events are recorded. */
const HANDLER_TASK = 'thread';

/**
 * The userfaultfds of a program: one per process, with a thread that gives a zero page to whoever misses one, and takes the
 * protection away from whoever writes to a page that is write-protected.
 */
export class UffdHandlers {
  private readonly uffds = new Map<MmStruct, Userfaultfd>();
  private seen: SeenFault[] = [];

  constructor(
    private readonly simulation: Simulation,
    private readonly areas: Areas,
  ) {}

  /** The userfaultfd of a process, made at its first use. */
  of(mm: MmStruct): Userfaultfd {
    let uffd = this.uffds.get(mm);
    if (uffd === undefined) {
      uffd = new Userfaultfd(mm);
      this.uffds.set(mm, uffd);
      this.simulation.spawn(HANDLER_TASK, this.handle(uffd), { daemon: true });
    }
    return uffd;
  }

  /** What the handlers have seen since the last call. */
  take(): readonly SeenFault[] {
    const { seen } = this;
    this.seen = [];
    return seen;
  }

  private *handle(uffd: Userfaultfd): Task {
    for (;;) {
      const { address, write, wp } = yield* uffd.read();
      const area = this.areas.at(address);
      if (area !== undefined) this.seen.push({ map: area.name, page: pageOf(address - area.start), write, wp });
      try {
        if (wp) yield* uffd.writeProtect(address, PAGE_SIZE, false);
        else yield* uffd.zeropage(address, PAGE_SIZE);
      } catch (error) {
        if (!isErrno(error)) throw error;
        // Somebody else was first: whoever waits looks again.
        uffd.wake(address, PAGE_SIZE);
      }
    }
  }
}
