/**
 * Floor 0. Virtual time, tasks and what they wait for, the choice of which goes next, random streams, hot streams and
 * the trace sink.
 *
 * Nothing here knows of memory, files or devices, looks at a wall clock, or awaits. What goes on in virtual time is
 * either a task (a sync generator, may sleep) or a timer (a plain function, may not).
 */
export { Barrier, Hold, HoldCounter } from './barrier.js';
export { Condition } from './condition.js';
export { DeadlockError, LivelockError, SimulationError, TaskFailure, messageOf, type BlockedTask } from './errors.js';
export { EventHeap } from './event-heap.js';
export { Gate } from './gate.js';
export type { Holdable, LockWatcher } from './held-locks.js';
export { HotStream } from './hot-stream.js';
export { Lock } from './lock.js';
export { RandomPolicy } from './random-policy.js';
export { RandomStream } from './random-stream.js';
export { ReplayPolicy, type Choice } from './replay-policy.js';
export { RwLock } from './rw-lock.js';
export { FifoPolicy, STOP, type ReadySet, type SchedulePolicy } from './schedule-policy.js';
export { Semaphore } from './semaphore.js';
export { Shared, SharedState } from './shared-state.js';
export { Simulation, type SimulationOptions } from './simulation.js';
export {
  READ,
  RELEASE,
  UPDATE,
  WRITE,
  type Access,
  type SharedThing,
  type StateSink,
  type StepObserver,
} from './step-observer.js';
export { TaskHandle, type Cancellable, type Scheduler, type SpawnOptions, type Task, type Wait } from './task.js';
export { MS, SEC, US, formatNs } from './time.js';
export { Timer } from './timer.js';
export { Trace, type TraceEvent, type TraceSink, type TraceValue } from './trace.js';
export { VirtualTimeScheduler } from './virtual-time-scheduler.js';
export { Waitable, QueuedWaitable } from './waitable.js';
