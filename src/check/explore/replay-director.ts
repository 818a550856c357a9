import type { ReadySet } from '../../engine/index.js';
import { IdentityDirector } from './observed-director.js';
import { ProcessTable } from './processes.js';
import { ScheduleMismatch } from './schedule-mismatch.js';
import type { SavedSchedule } from './schedule.js';

/** What a replay follows. */
export type Plan =
  /** who takes each step */
  | { readonly kind: 'processes'; readonly processes: readonly number[]; readonly table: ProcessTable }
  /** the same, by the keys of a saved schedule */
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
  /** which of the ready goes, at each point where there is more than one */
  | { readonly kind: 'picks'; readonly picks: readonly number[] };

export function planOf(schedule: SavedSchedule): Plan {
  return { kind: 'keys', keys: schedule.turns.flatMap(([key, steps]) => new Array<string>(steps).fill(key)) };
}

/** Runs one schedule: follows a plan to its end, then whoever ran last, then the oldest. */
export class ReplayDirector extends IdentityDirector {
  readonly name = 'replay';
  private at = 0;

  constructor(
    stepLimit: number,
    private readonly plan: Plan,
  ) {
    super(stepLimit, plan.kind === 'processes' ? plan.table : new ProcessTable());
  }

  protected override begins(): void {
    this.at = 0;
  }

  protected choose(ready: ReadySet): number {
    const index = this.planned(ready);
    this.take(this.processAt(ready, index));
    return index;
  }

  private planned(ready: ReadySet): number {
    const { plan } = this;
    if (plan.kind === 'picks') return ready.length === 1 ? 0 : this.next(plan.picks, (pick) => pick, ready);
    if (plan.kind === 'keys') return this.next(plan.keys, (key) => this.indexOfKey(ready, key), ready);
    return this.next(plan.processes, (process) => this.indexOf(ready, process), ready);
  }

  private next<T>(list: readonly T[], find: (entry: T) => number, ready: ReadySet): number {
    if (this.at === list.length) return Math.max(0, this.indexOf(ready, this.running));
    const entry = list[this.at++];
    const index = find(entry);
    if (index >= 0 && index < ready.length) return index;
    throw new ScheduleMismatch(this.at, String(entry), ready);
  }

  private indexOfKey(ready: ReadySet, key: string): number {
    for (let i = 0; i < ready.length; i++) if (this.processes.key(this.processAt(ready, i)) === key) return i;
    return -1;
  }
}
