import { READ, RELEASE, WRITE, type Access } from '../../engine/index.js';

/** Bits of an entry that say how the thing is used; the others say which it is. */
const ACCESS_BITS = 2;
const ACCESS_MASK = 3;

/** What a step uses of what processes share, and how: each thing once. */
export class Footprint {
  /** @param mask a bit for each thing, several of which may share one: no bit in common, nothing in common */
  constructor(
    readonly entries: readonly number[],
    private readonly mask: number,
  ) {}

  /** True if it makes a difference which of two steps comes first. */
  conflictsWith(other: Footprint): boolean {
    if ((this.mask & other.mask) === 0) return false;
    for (const entry of this.entries) if (other.conflictsAt(entry)) return true;
    return false;
  }

  /** True if two steps use the same things in the same ways. */
  equals(other: Footprint): boolean {
    if (this.mask !== other.mask || this.entries.length !== other.entries.length) return false;
    return this.entries.every((entry) => other.entries.includes(entry));
  }

  private conflictsAt(entry: number): boolean {
    for (const mine of this.entries) {
      if (sharedOf(mine) === sharedOf(entry)) return !commute(accessOf(mine), accessOf(entry));
    }
    return false;
  }
}

export function sharedOf(entry: number): number {
  return entry >> ACCESS_BITS;
}

export function accessOf(entry: number): Access {
  return (entry & ACCESS_MASK) as Access;
}

/** True if two uses of a thing may change places. */
export function commute(a: Access, b: Access): boolean {
  if (a === WRITE || b === WRITE) return false;
  return (a === READ) === (b === READ);
}

/** What two uses of a thing in one step come to. */
function together(a: Access, b: Access): Access {
  if (a === b) return a;
  return commute(a, b) ? RELEASE : WRITE;
}

/** Collects the uses of a step. */
export class FootprintBuilder {
  private entries: number[] = [];
  private mask = 0;
  /** For each thing: the step that used it last, and where in its entries. */
  private readonly stepOf: number[] = [];
  private readonly placeOf: number[] = [];
  private step = 0;

  add(shared: number, access: Access): void {
    if (this.stepOf[shared] === this.step) {
      const place = this.placeOf[shared];
      this.entries[place] = (shared << ACCESS_BITS) | together(accessOf(this.entries[place]), access);
      return;
    }
    this.stepOf[shared] = this.step;
    this.placeOf[shared] = this.entries.length;
    this.mask |= 1 << (shared & 31);
    this.entries.push((shared << ACCESS_BITS) | access);
  }

  /** What has been collected since the last call. */
  take(): Footprint {
    const footprint = new Footprint(this.entries, this.mask);
    this.entries = [];
    this.mask = 0;
    this.step++;
    return footprint;
  }
}
