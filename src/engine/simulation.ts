import { DeadlockError, LivelockError, SimulationError, TaskFailure, type BlockedTask } from './errors.js';
import { EventHeap } from './event-heap.js';
import { HeldLocks } from './held-locks.js';
import { IntQueue } from './int-queue.js';
import { RandomStream } from './random-stream.js';
import { ReadyQueue } from './ready-queue.js';
import { FifoPolicy, STOP, type ReadySet, type SchedulePolicy } from './schedule-policy.js';
import type { StepObserver } from './step-observer.js';
import { TaskHandle, type Cancellable, type Scheduler, type SpawnOptions, type Task } from './task.js';
import { isWait, noWait } from './valid-wait.js';
import { SEC } from './time.js';
import { Timer, type TimerHost } from './timer.js';
import { Trace } from './trace.js';
import { blockedTasks, waitCycle } from './wait-graph.js';
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

/** Virtual concurrency ids: a task's is 0 or more, a timer's is the complement of its slot. */
const NOBODY = -0x80000000;

/**
 * The event kernel: virtual time, tasks, timers, and the one choice of which ready task goes next.
 *
 * What is ready at an instant runs in the order in which it became ready unless the policy says otherwise; then time
 * jumps to the next event. Nothing here looks at a wall clock or awaits anything.
 */
export class Simulation implements Scheduler, TimerHost {
  /** Virtual time in integer ns. */
  now = 0;
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
  private readonly heap = new EventHeap();
  private readonly ready = new IntQueue(16);
  private readonly readySet: ReadySet;
  private randomStream: RandomStream | null = null;

  /** Per task id. The generators lie apart from the rest: they are all that a task switch touches. */
  private readonly generators: Task<unknown>[] = [];
  private readonly handles: (TaskHandle | null)[] = [];
  private readonly waits: (Waitable | null)[] = [];
  private readonly freeIds: number[] = [];

  private readonly timers: (Timer | null)[] = [];
  private readonly freeSlots: number[] = [];
  private firing: Timer | null = null;

  private foreground = 0;
  private foregroundParked = 0;
  private allParkedSince = 0;
  private looping = false;
  /** True once the policy has answered STOP. */
  private stopped = false;
  /** Virtual time up to which the loop may go. */
  private until = Infinity;
  /** Tasks resumed and timers fired since time last moved. */
  private stepsAtInstant = 0;

  constructor(options: SimulationOptions = {}) {
    this.seed = options.seed ?? 1;
    this.policy = options.policy ?? new FifoPolicy();
    this.hungTaskNs = options.hungTaskNs ?? 120 * SEC;
    this.observer = options.observer ?? null;
    this.readySet = new ReadyQueue(this.ready, (id) => this.nameOf(id));
  }

  /** Where every random decision of the run comes from. */
  get random(): RandomStream {
    return (this.randomStream ??= new RandomStream(this.seed));
  }

  spawn<T>(name: string, task: Task<T>, options: SpawnOptions = {}): TaskHandle<T> {
    const id = this.freeIds.pop() ?? this.handles.length;
    const handle = new TaskHandle<T>(this, name, id, options.daemon ?? false);
    this.generators[id] = task;
    this.handles[id] = handle;
    this.waits[id] = null;
    if (!handle.daemon) this.foreground++;
    this.ready.push(id);
    if (this.observer !== null) this.observer.spawned(id, name);
    return handle;
  }

  /** Runs until every task that is no daemon has ended. Daemons and timers stay as they are. */
  run(): void {
    this.loop(Infinity, true);
    if (this.foreground > 0 && !this.stopped) throw this.deadlock('nothing is left that could wake them');
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
    this.now = Math.max(this.now, until);
  }

  /** Runs until nothing is pending at all. Does not return while a daemon keeps a period going. */
  runUntilIdle(): void {
    this.loop(Infinity, false);
  }

  /** A reusable timer. */
  timer(name: string, fire: () => void): Timer {
    return this.newTimer(name, fire, false);
  }

  /** Calls `fire` once, `delay` integer ns from now. */
  after(delay: number, name: string, fire: () => void): Cancellable {
    const timer = this.newTimer(name, fire, true);
    timer.arm(delay);
    return timer;
  }

  /** @internal */
  wake(task: number): void {
    if (this.observer !== null) this.observer.enabled(task, this.waits[task]?.sharedId ?? -1);
    this.waits[task] = null;
    if (!this.handle(task).daemon) this.foregroundParked--;
    this.ready.push(task);
  }

  taskName(task: number): string {
    return task < 0 ? 'code outside of tasks' : this.handle(task).name;
  }

  /** @internal */
  armTimer(timer: Timer, delay: number): void {
    const due = this.now + delay;
    if (delay < 0 || Math.trunc(due) !== due) {
      throw new SimulationError(
        `timer "${timer.name}": a delay must be an integer of 0 ns or more, not ${String(delay)}`,
      );
    }
    if (this.observer !== null) this.observer.enabled(~timer.slot, timer.sharedId);
    timer.at = due;
    if (delay === 0) {
      timer.seq = -1;
      timer.due = true;
      this.ready.push(~timer.slot);
    } else {
      timer.due = false;
      timer.seq = this.heap.push(due, ~timer.slot);
    }
  }

  /** @internal */
  freeTimer(timer: Timer): void {
    // An entry of the ready queue may still name the slot. Whoever observes steps must not take it for the next owner's.
    if (this.timers[timer.slot] !== timer || this.observer !== null) return;
    this.timers[timer.slot] = null;
    this.freeSlots.push(timer.slot);
  }

  /**
   * Moves the clock on to `time` from inside a timer, if nothing else is due before or at it: for a source of events in
   * a row, which then need not go through the event queue.
   * @returns false if something else comes first; the clock then stays
   */
  advanceAlone(time: number): boolean {
    // Whether anything is ready is the schedule's business: whoever observes steps must not see it change what a step does.
    if (this.observer !== null || this.ready.length > 0 || this.heap.minTime <= time || time > this.until) return false;
    this.advance(time);
    return true;
  }

  private newTimer(name: string, fire: () => void, oneShot: boolean): Timer {
    const slot = this.freeSlots.pop() ?? this.timers.length;
    const timer = new Timer(this, slot, name, fire, oneShot);
    this.timers[slot] = timer;
    if (this.observer !== null) this.observer.spawned(~slot, name);
    return timer;
  }

  private loop(until: number, stopWhenDone: boolean): void {
    if (this.looping) throw new SimulationError('run() was called from inside the run');
    this.looping = true;
    this.until = until;
    try {
      while ((!stopWhenDone || this.foreground > 0) && !this.stopped) {
        const id = this.next(until);
        if (id === NOBODY) return;
        if (id >= 0) this.resume(id);
        else this.fireTimer(~id);
      }
    } catch (error) {
      throw this.failure(error);
    } finally {
      this.looping = false;
      this.running = -1;
      this.firing = null;
    }
  }

  /** The id to run next; time moves on when nothing is ready. NOBODY if nothing is due by `until`. */
  private next(until: number): number {
    const { policy, ready } = this;
    if (policy.fifo) return this.oldest(until);
    this.gatherDue(until);
    if (ready.length === 0) return NOBODY;
    this.countStep(ready.at(0));
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

  /**
   * First in, first out needs no list of who is ready: what the heap has of this instant was there before anything that
   * became ready in it.
   */
  private oldest(until: number): number {
    const { ready, heap } = this;
    for (;;) {
      const time = heap.minTime;
      if (time !== this.now && ready.length > 0) {
        this.countStep(ready.at(0));
        return ready.shift();
      }
      if (time > until || time === Infinity) return NOBODY;
      const id = this.popDue(time);
      if (id === NOBODY) continue;
      this.countStep(id);
      return id;
    }
  }

  /** If nothing is ready: moves on to the next instant and makes ready all that is due then. */
  private gatherDue(until: number): void {
    const { ready, heap } = this;
    while (ready.length === 0) {
      const time = heap.minTime;
      if (time > until || time === Infinity) return;
      while (heap.minTime === time) {
        const id = this.popDue(time);
        if (id !== NOBODY) ready.push(id);
      }
    }
  }

  private countStep(id: number): void {
    if (++this.stepsAtInstant > LIVELOCK_STEPS) throw this.livelock(id);
  }

  /** Takes the earliest entry off the heap and moves the clock to it; NOBODY if it was a disarmed timer's. */
  private popDue(time: number): number {
    const id = this.heap.pop();
    if (id < 0) {
      const timer = this.timers[~id];
      if (timer === null || timer.seq !== this.heap.poppedSeq) return NOBODY;
      timer.seq = -1;
      timer.due = true;
    }
    if (time !== this.now) this.advance(time);
    return id;
  }

  private advance(time: number): void {
    if (
      this.foreground > 0 &&
      this.foregroundParked === this.foreground &&
      time - this.allParkedSince > this.hungTaskNs
    ) {
      throw this.deadlock(`no task has run for ${String(this.hungTaskNs / SEC)} virtual seconds`);
    }
    this.now = time;
    this.stepsAtInstant = 0;
    if (this.observer !== null) this.observer.timeMoves();
  }

  private resume(id: number): void {
    this.running = id;
    const generator = this.generators[id];
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
        if (wait === 0) this.ready.push(id);
        else this.heap.push(this.now + wait, id);
        break;
      }
      if (!wait.admit(id)) {
        this.park(id, wait);
        break;
      }
      if (this.policy.preemptive) {
        this.ready.push(id);
        break;
      }
    }
    this.running = -1;
  }

  private park(id: number, wait: Waitable): void {
    this.waits[id] = wait;
    if (!this.handle(id).daemon && ++this.foregroundParked === this.foreground) this.allParkedSince = this.now;
    if (this.observer !== null) this.observer.parked(id, wait.sharedId);
    if (wait.owners().length === 0) return;
    const cycle = waitCycle(id, this.waits);
    if (cycle !== null) throw this.deadlock('these tasks wait for each other', cycle);
  }

  private finish(id: number, value: unknown): void {
    const handle = this.handle(id);
    const lock = this.heldLocks.oldest(id);
    if (lock !== null) throw new SimulationError(`it ended while it holds ${lock.name}`);
    this.handles[id] = null;
    this.freeIds.push(id);
    if (!handle.daemon) {
      this.foreground--;
      if (this.foregroundParked === this.foreground) this.allParkedSince = this.now;
    }
    handle.finish(value);
    if (this.observer !== null) this.observer.ended(id, value);
  }

  private fireTimer(slot: number): void {
    const timer = this.timers[slot];
    if (timer?.takeTurn() !== true) return;
    this.firing = timer;
    if (timer.oneShot) this.freeTimer(timer);
    timer.fire();
    if (this.observer !== null && timer.oneShot) this.observer.ended(~slot, undefined);
    this.firing = null;
  }

  private livelock(id: number): LivelockError {
    const who = `${id < 0 ? 'timer' : 'task'} "${this.nameOf(id)}"`;
    return new LivelockError(who, LIVELOCK_STEPS, this.now, this.seed);
  }

  /** @param tasks ids of those to name; by default whoever keeps the run from going on */
  private deadlock(reason: string, tasks: readonly number[] = this.blocked()): DeadlockError {
    const blocked: BlockedTask[] = [];
    for (const id of tasks) {
      const wait = this.waits[id];
      if (wait === null) continue;
      const { name, daemon } = this.handle(id);
      blocked.push({ task: name, daemon, waitsFor: wait.describe() });
    }
    return new DeadlockError(blocked, this.now, this.seed, reason);
  }

  private blocked(): number[] {
    return blockedTasks(this.waits, (id) => this.handle(id).daemon);
  }

  private failure(error: unknown): unknown {
    if (error instanceof DeadlockError || error instanceof LivelockError || error instanceof TaskFailure) return error;
    const who = this.firing !== null ? `timer "${this.firing.name}"` : `task "${this.taskName(this.running)}"`;
    return new TaskFailure(who, this.now, this.seed, error);
  }

  private handle(task: number): TaskHandle {
    const handle = this.handles[task];
    if (handle === null) throw new SimulationError(`task ${String(task)} has ended already`);
    return handle;
  }

  private nameOf(id: number): string {
    return id >= 0 ? this.taskName(id) : (this.timers[~id]?.name ?? 'a disarmed timer');
  }
}
