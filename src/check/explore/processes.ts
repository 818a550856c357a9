/** The code that builds a scenario: the parent of what it spawns. */
export const BUILDER = 0;

/**
 * Who takes steps: tasks and timers, by numbers that do not depend on the schedule.
 *
 * A task's id is given out again and depends on who was spawned first. Here a process is known by who spawned it and by
 * how many its parent had spawned before; the same holds for what processes share. The table grows over the executions
 * of a search and is never cleared.
 */
export class ProcessTable {
  readonly names: string[] = ['the scenario'];
  private readonly parents: number[] = [-1];
  private readonly ordinals: number[] = [0];
  private readonly children: number[][] = [[]];
  private readonly made: number[][] = [[]];
  private lastShared = -1;

  get size(): number {
    return this.names.length;
  }

  /** Number of things that processes share. */
  get sharedCount(): number {
    return this.lastShared + 1;
  }

  /** The child that a process spawned as its `ordinal`th. */
  child(parent: number, ordinal: number, name: string): number {
    const siblings = this.children[parent];
    if (ordinal < siblings.length) return siblings[ordinal];
    const process = this.names.length;
    siblings.push(process);
    this.names.push(name);
    this.parents.push(parent);
    this.ordinals.push(ordinal);
    this.children.push([]);
    this.made.push([]);
    return process;
  }

  /** What a process made as its `ordinal`th thing to share. */
  shared(maker: number, ordinal: number): number {
    const made = this.made[maker];
    if (ordinal === made.length) made.push(++this.lastShared);
    return made[ordinal];
  }

  /** The process that the scenario itself spawned and that a process comes from. */
  family(process: number): number {
    let at = process;
    while (this.parents[at] > BUILDER) at = this.parents[at];
    return at;
  }

  /** A process by what does not depend on the schedule: the ordinals on the way from the scenario to it. */
  key(process: number): string {
    const path: number[] = [];
    for (let at = process; at !== BUILDER; at = this.parents[at]) path.unshift(this.ordinals[at]);
    return path.join('.');
  }
}
