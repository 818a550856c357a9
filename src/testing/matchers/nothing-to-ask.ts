import { dirname } from 'node:path/posix';
import { TraceError } from '../trace-error.js';
import type { MatcherState, Verdict } from './verdict.js';

/** An assertion of a test: whether there was anything to ask in some schedule, and what was missing in one in which there was not. */
interface Asked {
  readonly said: string;
  ever: boolean;
  why: string;
}

/** Callers that tell one assertion from another: more than a helper of a helper has. */
const CALLERS = 24;

/**
 * Assertions that a search over schedules makes again and again. In one schedule there may be nothing to ask: the device is
 * late, and what it would have written to is gone. That is no mistake of the test unless it is so in all of them.
 */
export class AskedOverSchedules {
  private static current: AskedOverSchedules | null = null;
  /** By what they say and where the test makes them: two may say the same of two invalidations. */
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
    return [...this.assertions.values()].filter(({ ever }) => !ever).map(({ said, why }) => `${said}\n${why}`);
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
    const key = `${said} ${callers()}`;
    const asked = this.assertions.get(key);
    if (asked === undefined) this.assertions.set(key, { said, ever, why });
    else asked.ever ||= ever;
  }
}

/**
 * Who called a matcher, by places in the test's code as it runs: to look them up in source maps would take too long. Which part of
 * a search has called the test is left out.
 */
function callers(): string {
  const { stackTraceLimit } = Error;
  const prepareStackTrace: unknown = Reflect.get(Error, 'prepareStackTrace');
  try {
    Error.stackTraceLimit = CALLERS;
    Error.prepareStackTrace = (_error, sites) => {
      const matchers = dirname(fileOf(sites[0]));
      const sources = dirname(dirname(matchers));
      const outside = sites.slice(sites.findIndex((site) => dirname(fileOf(site)) !== matchers));
      const search = outside.findIndex((site) => fileOf(site).startsWith(`${sources}/`));
      return outside
        .slice(0, search < 0 ? undefined : search)
        .map(placeOf)
        .join(' ');
    };
    return String(new Error().stack);
  } finally {
    Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  }
}

/** Path or URL of a site's file, with slashes. */
function fileOf(site: NodeJS.CallSite): string {
  return (site.getFileName() ?? '').replaceAll('\\', '/');
}

function placeOf(site: NodeJS.CallSite): string {
  return [site.getFileName(), site.getLineNumber(), site.getColumnNumber()].join(':');
}
