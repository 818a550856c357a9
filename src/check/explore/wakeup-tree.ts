import type { Footprint } from './footprint.js';

/** A process whose next step does, or is thought to do, what the footprint says. */
export interface Pending {
  readonly process: number;
  readonly footprint: Footprint;
}

/** Which steps had to come before which where they were seen. */
export interface StepOrder {
  before(a: number, b: number): boolean;
}

/**
 * Steps that are to be taken one after the other.
 *
 * All but the last did, where they were seen, what they will do here: nothing that they depend on is missing. The last one
 * was seen behind a step that will be missing, so what it does here is only thought to be what it did there.
 */
export class WakeupSequence {
  /**
   * @param steps the steps in their order
   * @param numbers by which `order` knows them
   */
  constructor(
    private readonly steps: Pending[],
    private readonly numbers: number[],
    private readonly order: StepOrder,
  ) {}

  /**
   * True if nothing in the sequence need come before the process's next step, whether the sequence has that step or not:
   * a weak initial. What starts with that step then covers the sequence.
   */
  mayStartWith({ process, footprint }: Pending): boolean {
    const { steps, numbers } = this;
    const place = steps.findIndex((step) => step.process === process);
    const last = steps.length - 1;
    if (place >= 0 && place < last) {
      for (let i = 0; i < place; i++) if (this.order.before(numbers[i], numbers[place])) return false;
      return true;
    }
    // Where the step is the last one, what it does when it comes first is better known.
    for (let i = 0; i <= last; i++) if (i !== place && footprint.conflictsWith(steps[i].footprint)) return false;
    return true;
  }

  /** The sequence without the first step of a process. */
  without(process: number): WakeupSequence {
    const place = this.steps.findIndex((step) => step.process === process);
    if (place < 0) return this;
    const others = <T>(list: readonly T[]): T[] => [...list.slice(0, place), ...list.slice(place + 1)];
    return new WakeupSequence(others(this.steps), others(this.numbers), this.order);
  }

  /** The same sequence, for when the execution in which it was seen has been forgotten. */
  kept(): WakeupSequence {
    const { numbers, order } = this;
    const matrix = numbers.map((b) => numbers.map((a) => order.before(a, b)));
    return new WakeupSequence(
      this.steps,
      numbers.map((_, place) => place),
      { before: (a, b) => matrix[b][a] },
    );
  }

  /** The sequence as a branch of a tree; null if it is empty. */
  toBranch(): WakeupNode | null {
    let branch: WakeupNode | null = null;
    for (let i = this.steps.length - 1; i >= 0; i--) {
      const { process, footprint } = this.steps[i];
      const node = new WakeupNode(process, footprint);
      if (branch !== null) node.children.push(branch);
      branch = node;
    }
    return branch;
  }
}

/**
 * A node of a wakeup tree (Abdulla, Aronis, Jonsson, Sagonas: Optimal dynamic partial order reduction, POPL 2014): the
 * step of a process, and the sequences that are to be explored after it, oldest first.
 */
export class WakeupNode implements Pending {
  readonly children: WakeupNode[] = [];
  /** Sequences that were left out because this leaf covers them, if it does what its footprint says. */
  private covered: WakeupSequence[] = [];

  constructor(
    readonly process: number,
    /** What the step does, as far as it has been seen. */
    public footprint: Footprint,
  ) {}

  /** Adds a sequence, unless what is in the tree already covers it. */
  insert(sequence: WakeupSequence): void {
    const next = this.children.find((child) => sequence.mayStartWith(child));
    if (next === undefined) {
      const branch = sequence.toBranch();
      if (branch !== null) this.children.push(branch);
    } else if (next.children.length > 0) {
      next.insert(sequence.without(next.process));
    } else {
      next.covered.push(sequence.kept());
    }
  }

  /**
   * The step has been taken, and this is what it did.
   * @returns sequences that it was thought to cover, to be looked at again
   */
  taken(footprint: Footprint): readonly WakeupSequence[] {
    const { covered } = this;
    const asThought = this.footprint.equals(footprint);
    this.footprint = footprint;
    this.covered = [];
    return asThought ? [] : covered;
  }
}
