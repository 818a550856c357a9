import { READ, UPDATE, WRITE, type Access, type SharedState } from '../../engine/index.js';
import type { Watch } from './probe.js';

/** How a method uses the domain that it belongs to; null: not at all. */
export type Classify = (method: string) => Access | null;

/**
 * A part of a machine that is one thing to a search over schedules: what its objects' methods do to it is known by their
 * names. What a method calls in its course is part of what it does, unless it only looks: then what it calls may still
 * change something.
 */
export class Domain implements Watch {
  /** The calls under way, outermost first. */
  private readonly calls: (Access | null)[] = [];

  constructor(
    readonly state: SharedState,
    private readonly classify: Classify,
  ) {}

  enter(method: string): void {
    const access = this.classify(method);
    const outer = this.calls.at(-1) ?? null;
    this.calls.push(outer === UPDATE || outer === WRITE ? outer : access);
    if (outer === null || outer === READ) this.use(access);
  }

  leave(): void {
    this.calls.pop();
  }

  /** Uses it outside of a call. */
  use(access: Access | null): void {
    if (access === READ) this.state.read();
    else if (access === UPDATE) this.state.update();
    else if (access !== null) this.state.write();
  }
}

/** Methods that only look, and those that do nothing that counts; all others change something. */
export function changesBut(looks: Iterable<string>, ignored: Iterable<string> = []): Classify {
  const looking = new Set(looks);
  const nothing = new Set(ignored);
  return (method) => (nothing.has(method) ? null : looking.has(method) ? READ : WRITE);
}
