import { formatNs } from './time.js';

/** The engine was used against its rules, or a run cannot go on. */
export class SimulationError extends Error {
  override readonly name: string = 'SimulationError';
}

/** A task or timer threw: the run stops. Virtual time and seed replay it. */
export class TaskFailure extends SimulationError {
  override readonly name = 'TaskFailure';

  constructor(
    readonly task: string,
    readonly time: number,
    readonly seed: number,
    cause: unknown,
  ) {
    super(`${task} failed at ${formatNs(time)} (seed ${String(seed)}): ${messageOf(cause)}`, { cause });
  }
}

/** One task that will never run again, and what it waits for. */
export interface BlockedTask {
  readonly task: string;
  readonly daemon: boolean;
  readonly waitsFor: string;
}

/** Tasks wait for each other, or for something that nobody will bring. */
export class DeadlockError extends SimulationError {
  override readonly name = 'DeadlockError';

  constructor(
    readonly blocked: readonly BlockedTask[],
    readonly time: number,
    readonly seed: number,
    reason: string,
  ) {
    super(
      [
        `deadlock at ${formatNs(time)} (seed ${String(seed)}): ${reason}`,
        ...blocked.map(
          ({ task, daemon, waitsFor }) => `  ${daemon ? 'daemon' : 'task'} "${task}" waits for ${waitsFor}`,
        ),
      ].join('\n'),
    );
  }
}

/** Tasks or timers go on and on at one instant. */
export class LivelockError extends SimulationError {
  override readonly name = 'LivelockError';

  constructor(
    readonly who: string,
    readonly steps: number,
    readonly time: number,
    readonly seed: number,
  ) {
    super(
      `livelock at ${formatNs(time)} (seed ${String(seed)}): time has not moved for ${steps.toLocaleString('en-US')} ` +
        `steps; the last one was of ${who}`,
    );
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
