/** What a task can hold: a lock, for its name and its class. */
export interface Holdable {
  readonly name: string;
  /** Locks of one class are taken by the same rules: Linux's lockdep class. */
  readonly lockClass: string;
}

/** Told of every lock that a task wants, and of every one that it gets: for checks of lock order, as Linux's lockdep. */
export interface LockWatcher {
  /** The task is about to take the lock, and waits if it is not free. A trylock does not want. */
  wanted(task: number, lock: Holdable): void;
  taken(task: number, lock: Holdable): void;
}

/** Which locks each task holds. A task may not end with one: it would be left to whoever gets the task's id next. */
export class HeldLocks {
  watcher: LockWatcher | null = null;

  private readonly byTask: (Holdable[] | undefined)[] = [];

  wanted(task: number, lock: Holdable): void {
    if (this.watcher !== null) this.watcher.wanted(task, lock);
  }

  taken(task: number, lock: Holdable): void {
    (this.byTask[task] ??= []).push(lock);
    if (this.watcher !== null) this.watcher.taken(task, lock);
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

  /** What a task holds, longest first. */
  heldBy(task: number): readonly Holdable[] {
    return this.byTask[task] ?? [];
  }
}
