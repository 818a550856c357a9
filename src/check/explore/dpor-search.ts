import { STOP, type ReadySet } from '../../engine/index.js';
import type { Ending } from './director.js';
import { Footprint } from './footprint.js';
import type { Plan } from './replay-director.js';
import { ScheduleMismatch } from './schedule-mismatch.js';
import type { Search } from './search.js';
import { TracingDirector } from './tracing-director.js';
import { WakeupNode, WakeupSequence, type Pending } from './wakeup-tree.js';

const NOTHING = new Footprint([], 0);

/** The state before a step of the execution that goes on, and what is to be done from there. */
interface Frame {
  /** Processes whose next step need not be taken from here: that has been explored. */
  readonly sleep: Pending[];
  /** What is to be explored from here. Its first child is being explored. */
  readonly wakeups: WakeupNode;
  /** Place among the ready of the process that goes on; -1 if it has not yet. */
  index: number;
}

/**
 * Optimal dynamic partial order reduction: one execution of each class of schedules that differ only in the order of
 * steps that have nothing to do with each other, and no execution that turns out to be of a class already seen.
 *
 * What steps have to do with each other is seen while they run. After an execution each race in it, two steps of which
 * the order might have been the other one, becomes a sequence to try from before the first of them; wakeup trees keep
 * these sequences, and sleep sets keep away what has been explored.
 */
export class DporSearch extends TracingDirector implements Search {
  readonly name = 'dpor';
  readonly exhaustive = true;
  readonly reduces = true;
  redundant = 0;

  private readonly frames: Frame[] = [];
  /** Pairs of steps that race, the second of which is new in this execution. */
  private readonly races: (readonly [first: number, second: number])[] = [];
  /** Who can go on, as of now. */
  private ready: ReadySet | null = null;

  protected override begins(): void {
    super.begins();
    this.races.length = 0;
  }

  protected decide(ready: ReadySet, step: number): number {
    if (step === this.frames.length && !this.extend(ready)) {
      this.redundant++;
      return STOP;
    }
    const frame = this.frames[step];
    const { process } = frame.wakeups.children[0];
    if (frame.index < 0) frame.index = this.indexOf(ready, process);
    const { index } = frame;
    if (index < 0 || index >= ready.length || this.processAt(ready, index) !== process)
      throw new ScheduleMismatch(step + 1, this.processes.names[process], ready);
    this.ready = ready;
    return index;
  }

  protected override seen(step: number): void {
    const footprint = this.footprints[step];
    const frame = this.frames[step];
    for (const sequence of frame.wakeups.children[0].taken(footprint)) tryLater(frame, sequence);
    for (const first of this.order.racesOf(this.taken[step], footprint)) this.races.push([first, step]);
  }

  coverage(): string {
    return 'every schedule, up to the order of steps that do not depend on each other';
  }

  /** Makes the races of the last execution sequences to explore, and goes back to the last step that has an alternative. */
  advance(ending: Ending): boolean {
    if (ending.kind === 'failed') this.reverseFailure();
    this.close();
    for (const [first, second] of this.races) this.reverse(first, second);
    for (let depth = this.frames.length - 1; depth >= 0; depth--) {
      const frame = this.frames[depth];
      const { sleep, wakeups } = frame;
      const [done] = wakeups.children.splice(0, 1);
      if (wakeups.children.length > 0) {
        frame.index = -1;
        sleep.push({ process: done.process, footprint: done.footprint });
        this.repeat(depth);
        return true;
      }
      this.frames.pop();
    }
    return false;
  }

  plan(): Plan {
    return { kind: 'processes', processes: [...this.taken], table: this.processes };
  }

  /** A frame for a step that no execution has taken yet. @returns false if nothing is left to explore there */
  private extend(ready: ReadySet): boolean {
    const before = this.frames.at(-1);
    const sleep: Pending[] = [];
    let wakeups = new WakeupNode(-1, NOTHING);
    if (before !== undefined) {
      wakeups = before.wakeups.children[0];
      const footprint = wakeups.footprint;
      for (const pending of before.sleep) if (!pending.footprint.conflictsWith(footprint)) sleep.push(pending);
    }
    if (wakeups.children.length === 0) {
      const process = this.awake(ready, sleep);
      if (process < 0) return false;
      wakeups.children.push(new WakeupNode(process, NOTHING));
    }
    this.frames.push({ sleep, wakeups, index: -1 });
    return true;
  }

  /** Somebody who can go on and does not sleep: whoever went last, or else the oldest; -1 if there is nobody. */
  private awake(ready: ReadySet, sleep: readonly Pending[]): number {
    const asleep = (process: number): boolean => sleep.some((pending) => pending.process === process);
    if (this.indexOf(ready, this.running) >= 0 && !asleep(this.running)) return this.running;
    for (let i = 0; i < ready.length; i++) {
      const process = this.processAt(ready, i);
      if (!asleep(process)) return process;
    }
    return -1;
  }

  /**
   * Two steps race: the second is to be explored without the first, behind all that does not need the first either. That
   * includes what came after the second: done before it, it may give it other things to do.
   */
  private reverse(first: number, second: number): void {
    const steps: number[] = [];
    for (let step = first + 1; step < this.taken.length; step++) if (!this.order.before(first, step)) steps.push(step);
    steps.push(second);
    const pending = steps.map((step) => ({ process: this.taken[step], footprint: this.footprints[step] }));
    tryLater(this.frames[first], new WakeupSequence(pending, steps, this.order));
  }

  /** A failing step ends all others: each of them might have come before it. */
  private reverseFailure(): void {
    const { ready } = this;
    const { sleep, wakeups } = this.frames[this.taken.length - 1];
    for (let i = 0; ready !== null && i < ready.length; i++) {
      const process = this.processAt(ready, i);
      const known = [...sleep, ...wakeups.children].some((pending) => pending.process === process);
      if (!known && !this.wasEnabledLast(process)) wakeups.children.push(new WakeupNode(process, NOTHING));
    }
  }
}

/** Has a sequence explored from a frame, unless what has been or will be explored from there covers it. */
function tryLater({ sleep, wakeups }: Frame, sequence: WakeupSequence): void {
  if (!sleep.some((pending) => sequence.mayStartWith(pending))) wakeups.insert(sequence);
}
