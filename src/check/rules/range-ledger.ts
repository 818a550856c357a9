import { HotStream } from '../../engine/index.js';
import type { InvalidateRange, MmRef, NotifierHub } from '../../../notifiers/index.js';

/** Ranges that have ended and are remembered, to say what it was that an old translation should have heard of. */
const REMEMBERED = 64;

/** A driver has released its last hold on a range that others still hold. */
export interface PartlyQuiet {
  readonly range: InvalidateRange;
  readonly owner: string;
}

/**
 * Invalidations as they stand: which have started, which of those the kernel acts on by now (they are quiet: their start has
 * returned), and which came last to a page.
 */
export class RangeLedger {
  /** A start has returned: nobody holds the range any more. */
  readonly quiet$ = new HotStream<InvalidateRange>();
  readonly partlyQuiet$ = new HotStream<PartlyQuiet>();
  readonly ended$ = new HotStream<InvalidateRange>();
  /** Number of ranges that are quiet and have not ended: nearly always 0. */
  quiet = 0;
  /** The range whose start is being announced, or was last. */
  latest: InvalidateRange | null = null;
  /** Ranges that have started and not ended. */
  readonly open = new Set<InvalidateRange>();
  /** Ends without a start. */
  readonly strayEnds$ = new HotStream<InvalidateRange>();

  private readonly ended: InvalidateRange[] = [];
  private nextEnded = 0;

  constructor(hub: NotifierHub) {
    hub.start$.subscribe((range) => {
      this.started(range);
    });
    hub.refused$.subscribe((range) => this.open.delete(range));
    hub.end$.subscribe((range) => {
      this.end(range);
    });
  }

  /** A quiet range over part of [start, end). */
  quietOver(mm: MmRef, start: number, end: number): InvalidateRange | null {
    if (this.quiet === 0) return null;
    for (const range of this.open) {
      if (range.mm === mm && range.quiet && range.overlaps(start, end)) return range;
    }
    return null;
  }

  /** True if one quiet range covers all of [start, end). */
  covers(mm: MmRef, start: number, end: number): boolean {
    if (this.quiet === 0) return false;
    for (const range of this.open) {
      if (range.mm === mm && range.quiet && range.start <= start && end <= range.end) return true;
    }
    return false;
  }

  /** A range over part of [start, end) that has started and not ended, quiet or held. */
  openOver(mm: MmRef, start: number, end: number): InvalidateRange | null {
    for (const range of this.open) if (range.mm === mm && range.overlaps(start, end)) return range;
    return null;
  }

  /** The latest range over part of [start, end), as far back as is remembered; null if there was none. */
  lastOver(mm: MmRef, start: number, end: number): InvalidateRange | null {
    const open = this.openOver(mm, start, end);
    if (open !== null) return open;
    for (let i = 1; i <= this.ended.length; i++) {
      const range = this.ended[(this.nextEnded - i + REMEMBERED) % REMEMBERED];
      if (range.mm === mm && range.overlaps(start, end)) return range;
    }
    return null;
  }

  private started(range: InvalidateRange): void {
    this.latest = range;
    this.open.add(range);
    range.onReleased((owner) => {
      if (!range.heldBy(owner)) this.partlyQuiet$.emit({ range, owner });
    });
    range.onQuiesced(() => {
      this.quiet++;
      this.quiet$.emit(range);
    });
  }

  private end(range: InvalidateRange): void {
    if (!this.open.delete(range)) {
      this.strayEnds$.emit(range);
      return;
    }
    this.quiet--;
    this.ended[this.nextEnded] = range;
    this.nextEnded = (this.nextEnded + 1) % REMEMBERED;
    this.ended$.emit(range);
  }
}
