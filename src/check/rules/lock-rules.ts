import type { Holdable } from '../../engine/index.js';
import type { Happening } from '../violation.js';
import { driverNamed, type RuleContext } from './rule-context.js';

/** Lock classes that the kernel may hold when it calls a driver back. */
const KERNEL_LOCKS: ReadonlySet<string> = new Set(['mmap_lock', 'folio_lock', 'i_mmap_rwsem']);

/**
 * R8, as Linux's lockdep finds it: without a deadlock having to happen. A callback, and the task that a range is held for,
 * takes no lock that the kernel may hold around it and does not wait for memory; and who has a lock that callbacks take does
 * not take one of those either.
 */
export class LockRules {
  /** Locks that a callback has taken. */
  private readonly callbackLocks = new WeakMap<Holdable, Happening>();
  /** Locks under which somebody took one of the kernel's. */
  private readonly above = new WeakMap<Holdable, Happening>();

  constructor(private readonly context: RuleContext) {
    const { simulation, allocating$ } = context.system;
    simulation.heldLocks.watcher = {
      wanted: (task, lock) => {
        if (KERNEL_LOCKS.has(lock.lockClass)) this.kernelLockWanted(task, lock);
      },
      taken: (task, lock) => {
        if (!KERNEL_LOCKS.has(lock.lockClass)) this.taken(task, lock);
      },
    };
    allocating$.subscribe(() => {
      const who = this.callbackOf(simulation.running);
      if (who !== null) this.broken(who.driver, who.since, 'it asked for memory, for which reclaim may have to run');
    });
  }

  private kernelLockWanted(task: number, lock: Holdable): void {
    const who = this.callbackOf(task);
    if (who !== null) this.broken(who.driver, who.since, `it wanted ${lock.name}`);
    const { simulation } = this.context.system;
    for (const held of simulation.heldLocks.heldBy(task)) {
      if (KERNEL_LOCKS.has(held.lockClass)) continue;
      const since = this.callbackLocks.get(held);
      const what = `task "${simulation.taskName(task)}" wanted ${lock.name} while it had ${held.name}`;
      if (since !== undefined) this.broken(`task "${simulation.taskName(task)}"`, since, what);
      this.above.set(held, this.context.now(what));
    }
  }

  private taken(task: number, lock: Holdable): void {
    const who = this.callbackOf(task);
    if (who === null) return;
    const happening = this.context.now(`a callback of ${who.driver} took ${lock.name}`);
    const before = this.above.get(lock);
    if (before !== undefined) this.broken(who.driver, before, happening.what);
    this.callbackLocks.set(lock, happening);
  }

  /** The driver in whose callback, or on whose behalf a range is held in which, a task runs; null if it is none. */
  private callbackOf(task: number): { readonly driver: string; readonly since: Happening } | null {
    const { ledger, system } = this.context;
    const { latest } = ledger;
    if (latest?.announcing === true) return { driver: 'a driver', since: happeningOf(latest) };
    for (const range of ledger.open) {
      if (range.holds > 0 && range.owners().includes(task)) {
        return { driver: driverNamed(system.simulation.taskName(task)), since: happeningOf(range) };
      }
    }
    return null;
  }

  private broken(driver: string, before: Happening, what: string): never {
    this.context.broken('R8', driver, null, before, what);
  }
}

function happeningOf({ name, startedAt }: { readonly name: string; readonly startedAt: number }): Happening {
  return { time: startedAt, what: `it was called for ${name}` };
}
