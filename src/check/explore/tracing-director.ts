import type { Access, ReadySet } from '../../engine/index.js';
import { FootprintBuilder, type Footprint } from './footprint.js';
import { HappensBefore } from './happens-before.js';
import { ObservedDirector } from './observed-director.js';

/** A step let a process go on. */
interface Enabling {
  readonly process: number;
  readonly shared: number;
}

/** A director that knows what each step used, and so which steps had to come before which. */
export abstract class TracingDirector extends ObservedDirector {
  protected readonly order = new HappensBefore();
  /** Of each step of the execution: what it used. */
  protected readonly footprints: Footprint[] = [];
  /** Steps that repeat those of the execution before: what they do is known. */
  private repeated = 0;

  private readonly builder = new FootprintBuilder();
  private readonly enabling: Enabling[] = [];
  /** True while a step goes on that has not been added to the order. */
  private open = false;
  /** True if what it does is not known. */
  private fresh = false;

  protected override begins(): void {
    this.open = false;
    this.fresh = false;
    this.repeated = this.order.length;
  }

  /** The next execution repeats the first steps of this one. */
  protected repeat(steps: number): void {
    this.order.rewind(steps);
  }

  protected override choose(ready: ReadySet): number {
    this.close();
    const index = this.decide(ready, this.taken.length);
    if (index < 0) return index;
    this.fresh = this.taken.length >= this.repeated;
    this.open = true;
    this.enabling.length = 0;
    this.take(this.processAt(ready, index));
    return index;
  }

  override spawned(id: number, name: string): void {
    super.spawned(id, name);
    if (this.fresh) this.enabling.push({ process: this.processOf(id), shared: -1 });
  }

  touched(shared: number, access: Access): void {
    if (this.fresh) this.builder.add(shared, access);
  }

  enabled(id: number, shared: number): void {
    if (this.fresh) this.enabling.push({ process: this.processOf(id), shared });
  }

  parked(): void {
    // A process that waits is not ready, and that is all there is to it.
  }

  ended(): void {
    // Nor does one that has ended matter any more.
  }

  timeMoves(): void {
    this.close();
    if (this.taken.length > this.repeated) this.order.timeMoves();
  }

  protected override ends(): void {
    this.close();
  }

  /**
   * The execution so far as the set of its steps and what had to come before each: the same text for two executions that
   * differ in nothing that matters.
   */
  canonicalTrace(): string {
    this.close();
    const names = this.taken.map((process, step) => {
      const number = this.taken.slice(0, step).filter((other) => other === process).length;
      return `${this.processes.key(process)}:${String(number)}`;
    });
    const lines = names.map((name, step) => {
      const before = names.filter((_, other) => other < step && this.order.before(other, step));
      return `${name} after ${before.sort().join(' ')}`;
    });
    return lines.sort().join('\n');
  }

  /** True if the step that goes on, or failed, let a process go on. */
  protected wasEnabledLast(process: number): boolean {
    return this.enabling.some((enabling) => enabling.process === process);
  }

  /** Which of the ready takes step number `step`; STOP cuts the execution. */
  protected abstract decide(ready: ReadySet, step: number): number;

  /** A step has been seen for the first time and is about to be added to the order. */
  protected seen?(step: number): void;

  /** Adds the step that has ended to the order. */
  protected close(): void {
    if (!this.open) return;
    const step = this.taken.length - 1;
    if (this.fresh) {
      this.footprints[step] = this.builder.take();
      this.seen?.(step);
      this.order.add(this.taken[step], this.footprints[step]);
      for (const { process, shared } of this.enabling) this.order.enable(process, shared);
    }
    this.open = false;
    this.fresh = false;
  }
}
