import { defaultOptions, type CompareOptions } from '../../src/lab/index.js';

/** The usual options of a comparison, but for some. */
export function defaults(capture: string, changes: Partial<CompareOptions> = {}): CompareOptions {
  return { ...defaultOptions(capture), ...changes };
}
