import { ADVICES } from '../program/index.js';
import { pick, type Choice } from './choices.js';

/** Often used ones several times. */
const COMMON = ['dontneed', 'dontneed', 'dontneed', 'pageout', 'cold', 'free', 'remove', 'collapse'] as const;

/** What breaks the hardware, and does not leave another kernel as it was. */
const BREAKING = ['hwpoison', 'soft_offline', 'soft_offline'] as const;

const SAFE = ADVICES.filter((one) => !BREAKING.some((breaking) => breaking === one));

/** One piece of advice in so many is of those that break something. */
const BREAKS_EVERY = 64;

/** What to advise, by a number that was drawn. */
export function advice(drawn: number): string {
  if (drawn % BREAKS_EVERY === BREAKS_EVERY - 1) return pick(BREAKING, Math.floor(drawn / BREAKS_EVERY));
  return drawn % 4 === 0 ? pick(SAFE, drawn >> 2) : pick(COMMON, drawn >> 2);
}

/** Pages that are alike are made; or what may be merged changes; or ksmd goes round. */
export function ksmLine({ b, c }: Choice, part: string, whole: string): string {
  if (c % 4 === 0) return `fill ${part} value=0x2a`;
  if (c % 4 === 1) return `madvise ${whole} advice=${pick(['mergeable', 'mergeable', 'unmergeable'], c >> 2)}`;
  return `ksm_scan scans=${String(1 + (b % 4))}`;
}
