import { createHash } from 'node:crypto';
import type { TraceEvent, TraceSink } from '../../engine/index.js';

/** One traced event as a line of text: JSON with the time first, fields in the order in which they were written. */
export function traceLine(column: string, time: number, event: TraceEvent): string {
  return `${JSON.stringify({ t: time, column, ...event })}\n`;
}

/**
 * The SHA-256 of a whole comparison's trace, and the trace itself for whoever wants the lines.
 */
export class ComparisonTrace {
  private readonly hash = createHash('sha256');

  constructor(private readonly onLine: ((line: string) => void) | null) {}

  /** A sink for one column's run. */
  sink(column: string): TraceSink {
    return {
      event: (time, event) => {
        const line = traceLine(column, time, event);
        this.hash.update(line);
        this.onLine?.(line);
      },
    };
  }

  /** Ends the trace. */
  digest(): string {
    return this.hash.digest('hex');
  }
}
