import {
  READ,
  type Access,
  type ReadySet,
  type SharedThing,
  type Simulation,
  type TraceEvent,
} from '../../engine/index.js';
import { ObservedDirector } from './observed-director.js';
import type { ProcessTable } from './processes.js';
import { SharedVariable, type VariableValue } from './shared-variable.js';
import type { Stage } from './stage.js';

/** What one step did, in words. */
export interface ToldStep {
  readonly process: number;
  /** Virtual time in ns. */
  readonly time: number;
  readonly lines: readonly string[];
}

/** Runs a schedule and tells what each step does: what the trace says, locks, variables, waits, ends. */
export class Narrator extends ObservedDirector {
  readonly name = 'as told here';
  readonly told: ToldStep[] = [];

  private simulation: Simulation | null = null;
  private lines: string[] = [];
  /** The variable that was written last, until its new value has been told. */
  private written: SharedVariable<VariableValue> | null = null;
  private hasEnded = false;
  private waitsFor: string | null = null;
  private task = -1;
  private time = 0;
  /** Locks that each task held when it was last looked at. */
  private readonly held: string[][] = [];

  /** @param plan who takes each step */
  constructor(
    stepLimit: number,
    private readonly plan: readonly number[],
    table: ProcessTable,
  ) {
    super(stepLimit, table);
  }

  protected override begins(stage: Stage): void {
    this.simulation = stage.simulation;
    this.startStep();
    stage.simulation.trace.attach({
      event: (_time, event) => {
        this.tell(inWords(event));
      },
    });
  }

  protected choose(ready: ReadySet): number {
    this.close();
    const index = Math.max(0, this.indexOf(ready, this.plan[this.taken.length]));
    this.task = ready.id(index);
    this.time = this.simulation?.now ?? 0;
    this.take(this.processAt(ready, index));
    this.tellLocks('has got');
    return index;
  }

  protected override ends(): void {
    this.close();
  }

  override noted(text: string): void {
    this.tell(text);
  }

  override spawned(id: number, name: string): void {
    super.spawned(id, name);
    if (id >= 0 && this.taken.length > 0) this.tell(`starts ${name}`);
  }

  touched(shared: number, access: Access): void {
    const thing = this.things[shared];
    if (!(thing instanceof SharedVariable)) return;
    const variable = thing as SharedVariable<VariableValue>;
    if (access === READ) this.tell(`${variable.name} is ${String(variable.peek())}`);
    else {
      this.tellWritten();
      this.written = variable;
    }
  }

  enabled(id: number): void {
    if (id >= 0) this.tell(`lets ${this.processes.names[this.processOf(id)]} go on`);
  }

  parked(_task: number, shared: number): void {
    this.waitsFor = nameOf(this.things[shared]);
  }

  ended(id: number): void {
    if (id >= 0) this.hasEnded = true;
  }

  timeMoves(): void {
    // The time is told with each step.
  }

  private startStep(): void {
    this.lines = [];
    this.written = null;
    this.waitsFor = null;
    this.hasEnded = false;
  }

  private tell(line: string): void {
    this.tellWritten();
    this.lines.push(line);
  }

  /** A write is reported before it is done. */
  private tellWritten(): void {
    const { written } = this;
    this.written = null;
    if (written !== null) this.lines.push(`${written.name} = ${String(written.peek())}`);
  }

  /** Tells the step that has ended. */
  private close(): void {
    if (this.taken.length === this.told.length) return;
    this.tellWritten();
    this.tellLocks('takes');
    if (this.waitsFor !== null) this.tell(`waits for ${this.waitsFor}`);
    if (this.hasEnded) this.tell('ends');
    this.told.push({ process: this.running, time: this.time, lines: this.lines });
    this.startStep();
  }

  private tellLocks(verb: string): void {
    const before = this.held[this.running] ?? [];
    const now = (this.simulation?.heldLocks.of(this.task) ?? []).map(({ name }) => name);
    for (const name of now) if (!before.includes(name)) this.tell(`${verb} ${name}`);
    for (const name of before) if (!now.includes(name)) this.tell(`releases ${name}`);
    this.held[this.running] = now;
  }
}

function nameOf(thing: SharedThing): string {
  return (thing as { readonly name?: string }).name ?? 'something';
}

/** A traced event in a line: `invalidate_start CLEAR [0x1000, 0x2000)`. */
function inWords({ kind, start, end, ...fields }: TraceEvent): string {
  const words = Object.entries(fields).flatMap(([field, value]) => {
    if (typeof value === 'string') return [value];
    return typeof value === 'boolean' ? (value ? [field] : []) : [`${field} ${String(value)}`];
  });
  if (typeof start === 'number' && typeof end === 'number') {
    words.push(`[0x${start.toString(16)}, 0x${end.toString(16)})`);
  }
  return [kind, ...words].join(' ');
}
