import { summarizeEvents } from './describe.js';
import type { RecordedStep, StepResult } from './recorded.js';

/**
 * A step for people: `op key=value …: events => result`, in the grammar of by-operation.txt.
 * @param line the op as it was written
 */
export function printStep(line: string, step: RecordedStep, firstArea: string | undefined): string {
  const events = summarizeEvents(step.events, firstArea);
  const result = printResult(step.result);
  return `${line}:${events === '' ? '' : ` ${events}`}${result === '' ? '' : ` => ${result}`}`;
}

/** A result as words: nothing for plain success, the bytes that were read in hexadecimal. */
function printResult(result: StepResult): string {
  return Object.entries(result)
    .map(([key, value]) => {
      if (key === 'status' || key === 'errno' || key === 'signal') return String(value);
      if (key === 'value' && typeof value === 'number') return `value 0x${value.toString(16)}`;
      return `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
    })
    .join(', ');
}
