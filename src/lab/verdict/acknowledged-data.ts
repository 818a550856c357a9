import { PAGE_SIZE, PageContents, UNWRITTEN } from '../../base/index.js';

/** A part of a page that one DMA write of one request covers. */
interface Piece {
  readonly page: number;
  readonly offset: number;
  readonly length: number;
  readonly stamp: number;
}

/**
 * What the users of one file were told about their data: which write of each byte was acknowledged, and which of those
 * were acknowledged before an fsync that returned.
 *
 * It hears of DMA writes as they are issued, of completions, and of fsyncs; it knows nothing of how they come about.
 */
export class AcknowledgedData {
  /** Bytes of requests that completed. */
  acknowledgedBytes = 0;
  /** Of each byte, the latest write that was acknowledged. */
  readonly acknowledged = new PageContents(false);
  /** Of each byte, the latest write that was acknowledged before an fsync began which has returned. */
  readonly promised = new PageContents(false);

  /** Writes of requests that have not completed, by request. */
  private readonly open = new Map<number, Piece[]>();
  /** Acknowledged and not promised: number `settled` and those behind it, in the order of their acknowledgement. */
  private pending: Piece[] = [];
  private settled = 0;
  /** Which request a write belongs to, by its stamp. */
  private requests = new Int32Array(1 << 12);

  /** A DMA write was issued for a request. */
  written(request: number, page: number, offset: number, length: number, stamp: number): void {
    const piece = { page, offset, length, stamp };
    const pieces = this.open.get(request);
    if (pieces === undefined) this.open.set(request, [piece]);
    else pieces.push(piece);
    if (stamp >= this.requests.length) {
      const larger = new Int32Array(Math.max(stamp + 1, 2 * this.requests.length));
      larger.set(this.requests);
      this.requests = larger;
    }
    this.requests[stamp] = request;
  }

  /** A request completed: with success, its writes are acknowledged; otherwise nobody was told anything. */
  completed(request: number, success: boolean): void {
    const pieces = this.open.get(request);
    if (pieces === undefined) return;
    this.open.delete(request);
    if (!success) return;
    for (const piece of pieces) {
      raise(this.acknowledged, piece);
      this.pending.push(piece);
      this.acknowledgedBytes += piece.length;
    }
  }

  /**
   * An fsync begins. Call what it returns when the fsync has returned without an error: that answers the pages about which
   * it promised something new.
   */
  fsyncBegins(): () => ReadonlySet<number> {
    const end = this.settled + this.pending.length;
    return () => {
      // Another one, which began later, may have returned before.
      const covered = this.pending.splice(0, Math.max(0, end - this.settled));
      this.settled = Math.max(this.settled, end);
      for (const piece of covered) raise(this.promised, piece);
      return new Set(covered.map(({ page }) => page));
    };
  }

  /** Bytes that are promised. */
  get promisedBytes(): number {
    let bytes = 0;
    for (const page of this.promised.writtenPages()) {
      this.promised.forEachRun(page, 0, PAGE_SIZE, (start, end, stamp) => {
        if (stamp !== UNWRITTEN) bytes += end - start;
      });
    }
    return bytes;
  }

  /** The request that wrote a byte, by the stamp of the write; 0 if it was none of those we were told of. */
  requestOfStamp(stamp: number): number {
    return stamp < this.requests.length ? this.requests[stamp] : 0;
  }

  /** True if a frame holds, in the given bytes, an older write than was acknowledged for that page. */
  isStale(page: number, offset: number, length: number, memory: PageContents, frame: number): boolean {
    let stale = false;
    this.acknowledged.forEachRun(page, offset, offset + length, (start, end, stamp) => {
      if (stamp === UNWRITTEN) return;
      memory.forEachRun(frame, start, end, (_from, _to, seen) => {
        if (seen < stamp) stale = true;
      });
    });
    return stale;
  }
}

/** Requests may be acknowledged in another order than they wrote: the later write of a byte counts. */
function raise(contents: PageContents, { page, offset, length, stamp }: Piece): void {
  const older: [number, number][] = [];
  contents.forEachRun(page, offset, offset + length, (start, end, old) => {
    if (old < stamp) older.push([start, end]);
  });
  for (const [start, end] of older) contents.write(page, start, end - start, stamp, null);
}
