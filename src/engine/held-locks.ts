/** What a task can hold: a lock, for its name. */
interface Holdable {
  readonly name: string;
}

/** Which locks each task holds. A task may not end with one: it would be left to whoever gets the task's id next. */
export class HeldLocks {
  private readonly byTask: (Holdable[] | undefined)[] = [];

  taken(task: number, lock: Holdable): void {
    (this.byTask[task] ??= []).push(lock);
  }

  /** Locks are mostly released in the reverse order, so the last one is looked at first. */
  released(task: number, lock: Holdable): void {
    const locks = this.byTask[task];
    if (locks === undefined) return;
    if (locks[locks.length - 1] === lock) locks.pop();
    else locks.splice(locks.indexOf(lock), 1);
  }

  /** The locks that a task holds, oldest first. */
  of(task: number): readonly Holdable[] {
    return this.byTask[task] ?? [];
  }

  /** The lock that a task has held longest; null if it holds none. */
  oldest(task: number): Holdable | null {
    const locks = this.byTask[task];
    return locks === undefined || locks.length === 0 ? null : locks[0];
  }
}
