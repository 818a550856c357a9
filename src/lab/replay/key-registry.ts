import { Gate, SEC, SimulationError, type Simulation, type Task } from '../../engine/index.js';
import type { MemoryRegion } from '../../../devices/contract/index.js';
import type { KeyLife } from './memory-layout.js';

/** Registers and deregisters on behalf of the registry. */
export interface KeyRegistrar {
  register(life: KeyLife): Task<MemoryRegion>;
  deregister(region: MemoryRegion): Task;
}

/** How long the next user of a key waits for the other side to invalidate it. */
const PATIENCE = 1 * SEC;

/** A life of a key as the replay goes through it. */
class Entry {
  region: MemoryRegion | null = null;
  started = false;
  /** The life that had the index before, in the capture. */
  previous: Entry | null = null;
  /** Requests of the capture that use it and are not over. */
  left: number;
  /** Open when the key is registered; when its last request is over; when it is deregistered. */
  readonly ready: Gate;
  readonly idle: Gate;
  readonly over: Gate;

  constructor(
    simulation: Simulation,
    readonly life: KeyLife,
  ) {
    const { writes, reads, atomics, flushes } = life.key;
    const name = `rkey 0x${life.rKey.toString(16)} of ${life.owner}`;
    this.left = writes + reads + atomics + flushes;
    this.ready = new Gate(simulation, `registration of ${name}`);
    this.idle = new Gate(simulation, `the last request to ${name}`);
    this.over = new Gate(simulation, `deregistration of ${name}`);
  }
}

/**
 * The keys of one host over time. A key is registered before its first use, and deregistered when the other side
 * invalidates it, when its index is used for another key, or when its connection is given up; but never before the requests
 * that the capture shows it to serve are over. Keys whose end the capture does not show live to the end of the run.
 */
export class KeyRegistry {
  private readonly byLife = new Map<KeyLife, Entry>();
  private readonly byKey = new Map<number, Entry[]>();

  /** @param lives in the order of their first use */
  constructor(
    private readonly simulation: Simulation,
    private readonly registrar: KeyRegistrar,
    lives: readonly KeyLife[],
  ) {
    const latest = new Map<number, Entry>();
    for (const life of lives) {
      const entry = new Entry(simulation, life);
      entry.previous = latest.get(life.rKey >>> 8) ?? null;
      latest.set(life.rKey >>> 8, entry);
      this.byLife.set(life, entry);
      const list = this.byKey.get(life.rKey);
      if (list === undefined) this.byKey.set(life.rKey, [entry]);
      else list.push(entry);
    }
  }

  /** True if keys of this host serve one command each: a kernel user. */
  get keysComeAndGo(): boolean {
    return [...this.byKey.values()].some((list) =>
      list.some(({ life: { key } }) => key.end.how === 'invalidated' || key.end.how === 'superseded'),
    );
  }

  /** The life that a key had in a frame of the capture; null if it had none yet, or its memory was not laid out. */
  lifeAt(rKey: number, frame: number): KeyLife | null {
    let found: KeyLife | null = null;
    for (const { life } of this.byKey.get(rKey) ?? []) if (life.key.firstUseFrame <= frame) found = life;
    return found;
  }

  /** Registers a life unless that was done, and waits until it is. */
  *ensure(life: KeyLife): Task {
    const entry = this.entryOf(life);
    if (entry.started) {
      yield entry.ready;
      return;
    }
    entry.started = true;
    yield* this.clearTheWay(entry);
    entry.region = yield* this.registrar.register(life);
    entry.ready.open();
  }

  /** A request that uses this life has completed, or will not be posted. */
  requestOver(life: KeyLife): void {
    const entry = this.entryOf(life);
    if (--entry.left === 0) entry.idle.open();
  }

  /** Waits until every request of the capture that uses this life is over. */
  *untilIdle(life: KeyLife): Task {
    yield this.entryOf(life).idle;
  }

  /** The device gave a key up. */
  invalidated(rKey: number): void {
    for (const entry of this.byKey.get(rKey) ?? []) {
      if (entry.region !== null && !entry.over.isOpen) this.end(entry);
    }
  }

  /** Its owner gives a key up, once it was registered and is no longer needed. */
  *retire(life: KeyLife): Task {
    const entry = this.entryOf(life);
    yield entry.ready;
    yield entry.idle;
    this.end(entry);
  }

  /**
   * Whatever had the index before, in the order of the capture, must be gone. So a request waits for earlier ones only, and
   * never for itself.
   */
  private *clearTheWay({ previous }: Entry): Task {
    for (let before = previous; before !== null; before = before.previous) {
      yield before.idle;
      // None of its requests was posted: whoever came before it may still be there.
      if (!before.started) continue;
      yield before.ready;
      yield* this.untilOver(before);
      return;
    }
  }

  private *untilOver(entry: Entry): Task {
    if (entry.life.key.end.how !== 'invalidated') this.end(entry);
    // Its invalidation is on its way. The capture shows that it came; should it fail here, the key ends all the same.
    const patience = this.simulation.after(PATIENCE, 'patience with an rkey', () => {
      this.end(entry);
    });
    yield entry.over;
    patience.cancel();
  }

  private end(entry: Entry): void {
    const { region } = entry;
    if (region === null) return;
    entry.region = null;
    this.simulation.spawn(`dereg_mr 0x${entry.life.rKey.toString(16)}`, this.deregister(entry, region));
  }

  private *deregister(entry: Entry, region: MemoryRegion): Task {
    yield* this.registrar.deregister(region);
    entry.over.open();
  }

  private entryOf(life: KeyLife): Entry {
    const entry = this.byLife.get(life);
    if (entry === undefined) throw new SimulationError(`rkey 0x${life.rKey.toString(16)} is not in the layout`);
    return entry;
  }
}
