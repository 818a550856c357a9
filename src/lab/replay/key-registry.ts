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
  readonly ready: Gate;
  readonly over: Gate;

  constructor(
    simulation: Simulation,
    readonly life: KeyLife,
  ) {
    const name = `rkey 0x${life.rKey.toString(16)} of ${life.owner}`;
    this.ready = new Gate(simulation, `registration of ${name}`);
    this.over = new Gate(simulation, `deregistration of ${name}`);
  }
}

/**
 * The keys of one host over time. A key is registered before its first use, and deregistered when the other side
 * invalidates it or its index is used for another key; user-space keys live to the end.
 */
export class KeyRegistry {
  private readonly byKey = new Map<number, Entry[]>();
  private readonly byIndex = new Map<number, Entry>();

  constructor(
    private readonly simulation: Simulation,
    private readonly registrar: KeyRegistrar,
    lives: readonly KeyLife[],
  ) {
    for (const life of lives) {
      const entry = new Entry(simulation, life);
      const list = this.byKey.get(life.rKey);
      if (list === undefined) this.byKey.set(life.rKey, [entry]);
      else list.push(entry);
    }
  }

  /** True if the capture shows keys of this host coming and going: a kernel user with one key per command. */
  get keysComeAndGo(): boolean {
    return [...this.byKey.values()].some((list) => list.some(({ life }) => life.key.end.how !== 'never'));
  }

  /** The life of a key that a request of that captured time belongs to; null if its key was not laid out. */
  lifeAt(rKey: number, timeNs: number): KeyLife | null {
    const list = this.byKey.get(rKey);
    if (list === undefined) return null;
    let found: Entry | null = null;
    for (const entry of list) if (entry.life.key.firstUseNs <= timeNs) found = entry;
    return (found ?? list[0]).life;
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

  /** The device gave a key up. */
  invalidated(rKey: number): void {
    for (const entry of this.byKey.get(rKey) ?? []) {
      if (entry.region !== null && !entry.over.isOpen) this.end(entry);
    }
  }

  /** Whatever used the key, or its index, before must be gone. */
  private *clearTheWay(entry: Entry): Task {
    const index = entry.life.rKey >>> 8;
    const previous = this.byIndex.get(index);
    this.byIndex.set(index, entry);
    if (previous === undefined) return;
    yield previous.ready;
    if (previous.life.key.end.how === 'superseded') this.end(previous);
    // Its invalidation is on its way. The capture shows that it came; should it fail here, the key ends all the same.
    const patience = this.simulation.after(PATIENCE, 'patience with an rkey', () => {
      this.end(previous);
    });
    yield previous.over;
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
    const entry = this.byKey.get(life.rKey)?.find((candidate) => candidate.life === life);
    if (entry === undefined) throw new SimulationError(`rkey 0x${life.rKey.toString(16)} is not in the layout`);
    return entry;
  }
}
