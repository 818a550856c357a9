import { MS, SEC, US } from '../engine/index.js';
import { UsageError } from './usage-error.js';

const TIME_UNITS: Readonly<Record<string, number>> = { ns: 1, us: US, ms: MS, s: SEC };
const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/**
 * A duration: a number and ns, us, ms or s; a bare 0 is 0.
 * @returns whole nanoseconds, at most a virtual day
 */
export function parseDuration(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ns|us|ms|s)?$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : TIME_UNITS[match[2]];
  if (match === null || (unit === undefined && Number(match[1]) !== 0)) {
    throw new UsageError(`${option} takes a time such as 50ms, 5s or 100us, not "${text}"`);
  }
  const ns = Math.round(Number(match[1]) * (unit ?? 1));
  if (ns === 0 && Number(match[1]) > 0) throw new UsageError(`${option} takes at least 1ns, or 0, not "${text}"`);
  if (ns > 86_400 * SEC) throw new UsageError(`${option} takes at most a day (86400s), not "${text}"`);
  return ns;
}

/** A size in bytes: a number and nothing, K, M or G (powers of 1024). */
export function parseSize(option: string, text: string, min: number, max: number): number {
  const match = /^(\d+)([KMG]?)$/.exec(text);
  const bytes = match === null ? NaN : Number(match[1]) * SIZE_UNITS[match[2]];
  if (!(bytes >= min && bytes <= max)) {
    throw new UsageError(`${option} takes a size from ${describeSize(min)} to ${describeSize(max)}, not "${text}"`);
  }
  return bytes;
}

/** A whole number in [min, max]. */
export function parseInteger(option: string, text: string, min: number, max: number): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${option} takes a whole number from ${String(min)} to ${String(max)}, not "${text}"`);
  }
  return value;
}

/** One of the named things. */
export function parseChoice<T extends { readonly name: string }>(
  option: string,
  text: string,
  choices: readonly T[],
): T {
  const choice = choices.find(({ name }) => name === text);
  if (choice === undefined) {
    throw new UsageError(`${option} takes one of ${choices.map(({ name }) => name).join(', ')}, not "${text}"`);
  }
  return choice;
}

function describeSize(bytes: number): string {
  for (const [unit, size] of [
    ['G', 2 ** 30],
    ['M', 2 ** 20],
    ['K', 2 ** 10],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${String(bytes / size)}${unit}`;
  }
  return String(bytes);
}
