import { SimulationError, type BlockedTask } from './errors.js';
import { TaskHandle, type Scheduler, type Task } from './task.js';
import { blockedTasks, waitCycle } from './wait-graph.js';
import type { Waitable } from './waitable.js';

/** The tasks that have not ended: what each waits for, and whether any of those that count can still go on. */
export class TaskTable {
  /** Per id. They lie apart from the rest: they are all that a task switch touches. */
  readonly generators: Task<unknown>[] = [];
  /** How many there are that are no daemons. */
  foreground = 0;

  private readonly handles: (TaskHandle | null)[] = [];
  private readonly waits: (Waitable | null)[] = [];
  private readonly freeIds: number[] = [];
  private foregroundParked = 0;
  private allParkedSince = 0;

  constructor(private readonly scheduler: Scheduler) {}

  add<T>(name: string, task: Task<T>, daemon: boolean): TaskHandle<T> {
    const id = this.freeIds.pop() ?? this.handles.length;
    const handle = new TaskHandle<T>(this.scheduler, name, id, daemon);
    this.generators[id] = task;
    this.handles[id] = handle;
    this.waits[id] = null;
    if (!daemon) this.foreground++;
    return handle;
  }

  remove(id: number): void {
    const { daemon } = this.handle(id);
    this.handles[id] = null;
    this.freeIds.push(id);
    if (daemon) return;
    this.foreground--;
    this.noteIfAllParked();
  }

  park(id: number, wait: Waitable): void {
    this.waits[id] = wait;
    if (this.handle(id).daemon) return;
    this.foregroundParked++;
    this.noteIfAllParked();
  }

  /** @returns what it waited for; null if it did not */
  unpark(id: number): Waitable | null {
    const wait = this.waits[id];
    this.waits[id] = null;
    if (!this.handle(id).daemon) this.foregroundParked--;
    return wait;
  }

  /** Virtual time in ns for which, at `time`, no task that is no daemon has run, because each of them waits; else 0. */
  hungAt(time: number): number {
    const hung = this.foreground > 0 && this.foregroundParked === this.foreground;
    return hung ? time - this.allParkedSince : 0;
  }

  /** The tasks that wait for each other in a ring that goes through `id`; null if there is none. */
  cycle(id: number): number[] | null {
    return waitCycle(id, this.waits);
  }

  /** What those that wait are waiting for. @param ids by default whoever keeps the run from going on */
  blocked(ids: readonly number[] = this.inTheWay()): BlockedTask[] {
    const blocked: BlockedTask[] = [];
    for (const id of ids) {
      const wait = this.waits[id];
      if (wait === null) continue;
      const { name, daemon } = this.handle(id);
      blocked.push({ task: name, daemon, waitsFor: wait.describe() });
    }
    return blocked;
  }

  /** @throws SimulationError if it has ended */
  handle(id: number): TaskHandle {
    const handle = this.handles[id];
    if (handle === null) throw new SimulationError(`task ${String(id)} has ended already`);
    return handle;
  }

  private inTheWay(): number[] {
    return blockedTasks(this.waits, (id) => this.handle(id).daemon);
  }

  private noteIfAllParked(): void {
    if (this.foregroundParked === this.foreground) this.allParkedSince = this.scheduler.now;
  }
}
