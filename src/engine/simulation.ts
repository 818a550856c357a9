import { Agenda, NOBODY } from './agenda.js';
import { DeadlockError, LivelockError, SimulationError, TaskFailure } from './errors.js';
import { HeldLocks } from './held-locks.js';
import { RandomStream } from './random-stream.js';
import { ReadyQueue } from './ready-queue.js';
import { FifoPolicy, STOP, type ReadySet, type SchedulePolicy } from './schedule-policy.js';
import type { StepObserver } from './step-observer.js';
import { TaskTable } from './task-table.js';
import type { Cancellable, Scheduler, SpawnOptions, Task, TaskHandle } from './task.js';
import { mustBeTask } from './valid-task.js';
import { isWait, noWait } from './valid-wait.js';
import { SEC } from './time.js';
import type { Timer } from './timer.js';
import { Trace } from './trace.js';
import type { Waitable } from './waitable.js';

/** How a run goes: what is random, and who goes next. */
export interface SimulationOptions {
  /** Seed of every random stream of the run; default 1. */
  readonly seed?: number;
  /** Which ready task goes next; default first in, first out. */
  readonly policy?: SchedulePolicy;
  /** Virtual ns after which tasks that all wait count as hung; default 120 s, as Linux's hung_task_timeout_secs. */
  readonly hungTaskNs?: number;
  /** Told what each step does to what tasks share. */
  readonly observer?: StepObserver;
}

/** Steps at one instant after which time counts as stuck: far more than any model needs, a second or two of work. */
const LIVELOCK_STEPS = 20_000_000;

/**
 * The event kernel: virtual time, tasks, timers, and the one choice of which ready task goes next.
 *
 * What is ready at an instant runs in the order in which it became ready unless the policy says otherwise; then time
 * jumps to the next event. Nothing here looks at a wall clock or awaits anything.
 */
export class Simulation implements Scheduler {
  /** Id of the task that runs; -1 in timers and set-up code. */
  running = -1;
  readonly seed: number;
  /** @internal */
  readonly observer: StepObserver | null;
  readonly trace: Trace = new Trace(this);
  /** Which ready task goes next. */
  readonly policy: SchedulePolicy;
  /** @internal */
  readonly heldLocks = new HeldLocks();

  private readonly hungTaskNs: number;
  private readonly agenda: Agenda;
  private readonly readySet: ReadySet;
  private readonly tasks = new TaskTable(this);
  private randomStream: RandomStream | null = null;

  /** The timer that fires now. */
  private firing: Timer | null = null;
  private looping = false;
  /** True once the policy has answered STOP. */
  private stopped = false;
  /** Tasks resumed and timers fired since time last moved. */
  private stepsAtInstant = 0;

  constructor(options: SimulationOptions = {}) {
    this.seed = options.seed ?? 1;
    this.policy = options.policy ?? new FifoPolicy();
    this.hungTaskNs = options.hungTaskNs ?? 120 * SEC;
    this.observer = options.observer ?? null;
    this.agenda = new Agenda(this.observer, (to) => {
      this.timeMoves(to);
    });
    this.readySet = new ReadyQueue(this.agenda.ready, (id) => this.nameOf(id));
  }

  /** Virtual time in integer ns. */
  get now(): number {
    return this.agenda.now;
  }

  /** Where every random decision of the run comes from. */
  get random(): RandomStream {
    return (this.randomStream ??= new RandomStream(this.seed));
  }

  spawn<T>(name: string, task: Task<T>, options: SpawnOptions = {}): TaskHandle<T> {
    mustBeTask(name, task);
    const handle = this.tasks.add(name, task, options.daemon ?? false);
    this.agenda.ready.push(handle.id);
    if (this.observer !== null) this.observer.spawned(handle.id, name);
    return handle;
  }

  /** Runs until every task that is no daemon has ended. Daemons and timers stay as they are. */
  run(): void {
    this.loop(Infinity, true);
    if (this.tasks.foreground > 0 && !this.stopped) throw this.deadlock('nothing is left that could wake them');
  }

  /** True if the policy ended the run. */
  get hasStopped(): boolean {
    return this.stopped;
  }

  /** Runs `task` and whatever else is due until it has ended; its result. */
  runTask<T>(name: string, task: Task<T>): T {
    const handle = this.spawn(name, task);
    this.run();
    return handle.result;
  }

  /** Runs everything that is due up to and including virtual time `until` (ns), and sets the clock to it. */
  runUntil(until: number): void {
    this.loop(until, false);
    this.agenda.now = Math.max(this.now, until);
  }

  /** Runs until nothing is pending at all. Does not return while a daemon keeps a period going. */
  runUntilIdle(): void {
    this.loop(Infinity, false);
  }

  /** A reusable timer. */
  timer(name: string, fire: () => void): Timer {
    return this.agenda.newTimer(name, fire, false);
  }

  /** Calls `fire` once, `delay` integer ns from now. */
  after(delay: number, name: string, fire: () => void): Cancellable {
    const timer = this.agenda.newTimer(name, fire, true);
    timer.arm(delay);
    return timer;
  }

  /** @internal */
  wake(task: number): void {
    const wait = this.tasks.unpark(task);
    if (this.observer !== null) this.observer.enabled(task, wait?.sharedId ?? -1);
    this.agenda.ready.push(task);
  }

  taskName(task: number): string {
    return task < 0 ? 'code outside of tasks' : this.tasks.handle(task).name;
  }

  /**
   * Moves the clock on to `time` from inside a timer, if nothing else is due before or at it: for a source of events in
   * a row, which then need not go through the event queue.
   * @returns false if something else comes first; the clock then stays
   */
  advanceAlone(time: number): boolean {
    return this.agenda.advanceAlone(time);
  }

  private loop(until: number, stopWhenDone: boolean): void {
    if (this.looping) throw new SimulationError('run() was called from inside the run');
    this.looping = true;
    this.agenda.until = until;
    try {
      while ((!stopWhenDone || this.tasks.foreground > 0) && !this.stopped) {
        const id = this.policy.fifo ? this.agenda.takeOldest() : this.picked();
        if (id === NOBODY) return;
        if (++this.stepsAtInstant > LIVELOCK_STEPS) throw this.livelock(id);
        if (id >= 0) this.resume(id);
        else this.fireTimer(id);
      }
    } catch (error) {
      throw this.failure(error);
    } finally {
      this.looping = false;
      this.running = -1;
      this.firing = null;
    }
  }

  /** The id that the policy wants to go next; time moves on when nothing is ready. NOBODY if nothing is due. */
  private picked(): number {
    const { policy } = this;
    const { ready } = this.agenda;
    this.agenda.gatherDue();
    if (ready.length === 0) return NOBODY;
    if (ready.length === 1 && policy.everyStep !== true) return ready.shift();
    const index = policy.pick(this.readySet);
    if (index === STOP) {
      this.stopped = true;
      return NOBODY;
    }
    if (!(index >= 0 && index < ready.length)) {
      throw new SimulationError(
        `policy "${policy.name}" picked number ${String(index)} of ${String(ready.length)} ready tasks`,
      );
    }
    return ready.removeAt(index);
  }

  private timeMoves(to: number): void {
    if (this.tasks.hungAt(to) > this.hungTaskNs) {
      throw this.deadlock(`no task has run for ${String(this.hungTaskNs / SEC)} virtual seconds`);
    }
    this.stepsAtInstant = 0;
  }

  private resume(id: number): void {
    this.running = id;
    const generator = this.tasks.generators[id];
    for (let steps = 0; ; steps++) {
      if (steps > LIVELOCK_STEPS) throw this.livelock(id);
      let step = generator.next();
      // The mistake is the task's: it comes out where it was made, and whoever runs the task for somebody can say whose it is.
      while (step.done !== true && !isWait(step.value, this.now)) step = generator.throw(noWait(step.value));
      if (step.done === true) {
        this.finish(id, step.value);
        break;
      }
      const wait = step.value;
      if (typeof wait === 'number') {
        this.agenda.add(id, wait);
        break;
      }
      if (!wait.admit(id)) {
        this.park(id, wait);
        break;
      }
      if (this.policy.preemptive) {
        this.agenda.add(id, 0);
        break;
      }
    }
    this.running = -1;
  }

  private park(id: number, wait: Waitable): void {
    this.tasks.park(id, wait);
    if (this.observer !== null) this.observer.parked(id, wait.sharedId);
    if (wait.owners().length === 0) return;
    const cycle = this.tasks.cycle(id);
    if (cycle !== null) throw this.deadlock('these tasks wait for each other', cycle);
  }

  private finish(id: number, value: unknown): void {
    const lock = this.heldLocks.oldest(id);
    if (lock !== null) throw new SimulationError(`it ended while it holds ${lock.name}`);
    const handle = this.tasks.handle(id);
    this.tasks.remove(id);
    handle.finish(value);
    if (this.observer !== null) this.observer.ended(id, value);
  }

  private fireTimer(id: number): void {
    const timer = this.agenda.timer(id);
    if (timer?.takeTurn() !== true) return;
    this.firing = timer;
    if (timer.oneShot) this.agenda.freeTimer(timer);
    timer.fire();
    if (this.observer !== null && timer.oneShot) this.observer.ended(id, undefined);
    this.firing = null;
  }

  private livelock(id: number): LivelockError {
    const who = `${id < 0 ? 'timer' : 'task'} "${this.nameOf(id)}"`;
    return new LivelockError(who, LIVELOCK_STEPS, this.now, this.seed);
  }

  /** @param ids of the tasks to name; by default whoever keeps the run from going on */
  private deadlock(reason: string, ids?: readonly number[]): DeadlockError {
    return new DeadlockError(this.tasks.blocked(ids), this.now, this.seed, reason);
  }

  private failure(error: unknown): unknown {
    if (error instanceof DeadlockError || error instanceof LivelockError || error instanceof TaskFailure) return error;
    const who = this.firing !== null ? `timer "${this.firing.name}"` : `task "${this.taskName(this.running)}"`;
    return new TaskFailure(who, this.now, this.seed, error);
  }

  private nameOf(id: number): string {
    return id >= 0 ? this.taskName(id) : (this.agenda.timer(id)?.name ?? 'a disarmed timer');
  }
}
