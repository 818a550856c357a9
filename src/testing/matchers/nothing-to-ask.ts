import { TraceError } from '../trace-error.js';
import type { MatcherState, Verdict } from './verdict.js';

/** Whether there was anything to ask in some schedule, by the assertion; and what was missing in one in which there was not. */
interface Asked {
  ever: boolean;
  why: string;
}

/**
 * Assertions that a search over schedules makes again and again. In one schedule there may be nothing to ask: the device is
 * late, and what it would have written to is gone. That is no mistake of the test unless it is so in all of them.
 */
export class AskedOverSchedules {
  private static current: AskedOverSchedules | null = null;
  private readonly assertions = new Map<string, Asked>();

  /** Notes all assertions that `run` makes. */
  during<T>(run: () => T): T {
    const outer = AskedOverSchedules.current;
    AskedOverSchedules.current = this;
    try {
      return run();
    } finally {
      AskedOverSchedules.current = outer;
    }
  }

  /** Assertions for which there was nothing to ask in any schedule, and why in one of them. */
  get never(): readonly string[] {
    return [...this.assertions].filter(([, { ever }]) => !ever).map(([said, { why }]) => `${said}\n${why}`);
  }

  /** An assertion has something to ask. */
  static asked(said: string): void {
    AskedOverSchedules.current?.entry(said, '', true);
  }

  /**
   * An assertion has nothing to ask: it would hold whatever the driver does.
   * @throws TraceError unless schedules are searched
   */
  static nothing({ isNot }: MatcherState, said: string, why: string): Verdict {
    const { current } = AskedOverSchedules;
    if (current === null) throw new TraceError(why);
    current.entry(said, why, false);
    return { pass: isNot !== true, message: () => why };
  }

  private entry(said: string, why: string, ever: boolean): void {
    const asked = this.assertions.get(said);
    if (asked === undefined) this.assertions.set(said, { ever, why });
    else asked.ever ||= ever;
  }
}
